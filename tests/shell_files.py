"""Files of real data for the tests of the shell, and the command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from statsmodels.datasets import modechoice

ROOT = Path(__file__).resolve().parents[1]
TRAVEL = ("gc", "ttme", "hinc", "psize")


def diabetes() -> pd.DataFrame:
    """442 patients: ten measurements, and the progression of the disease as ``target``."""
    return load_diabetes(as_frame=True).frame


def travel() -> pd.DataFrame:
    """840 rows, four for each of 210 travellers, with the mode of travel in words."""
    frame = modechoice.load_pandas().data
    names = {1: "air", 2: "train", 3: "bus", 4: "car"}
    return frame.assign(individual=frame["individual"].astype(int), mode=frame["mode"].map(names))


def sales(n: int = 60) -> pd.DataFrame:
    """What the manual pages use: price, region (text), size and day (a date)."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "price": np.exp(rng.normal(size=n)).round(2) + 1.0,
            "region": rng.choice(["north", "south", "east"], n),
            "size": rng.normal(size=n).round(2),
            "day": pd.date_range("2024-01-01", periods=n),
        }
    )


def matrix(frame: pd.DataFrame, *columns: str) -> np.ndarray:
    """Return columns (all by default) in C order, as the shell does: the order decides the last bits."""
    chosen = frame[list(columns)] if columns else frame
    return np.ascontiguousarray(chosen.to_numpy(dtype=np.float64))


def write(frame: pd.DataFrame, path: Path) -> str:
    """Write a frame by the end of a name; return the name."""
    name = path.name
    if name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    elif name.endswith(".npz"):
        np.savez(path, **{column: frame[column].to_numpy() for column in frame})
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
    return str(path)


def shell(*arguments: str, code: int = 0, cwd: Path = ROOT, **environment: str) -> tuple[str, str]:
    """Run the command in a process of its own, with warnings as errors; return stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "newtonkit", *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stdout, done.stderr
