"""Cold start: what a fresh interpreter pays to import newtonkit and to solve a small problem.

Run from the root of the repository::

    python -m bench.cold_start [--rounds 15] [--json FILE]

Each script is run in an interpreter of its own, the scripts in turns; what is shown are the
medians and quartiles of the wall time of the whole process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.machine import header, machine, spread, versions

_SOLVE = """
import numpy as np
import newtonkit as nk
A = np.random.default_rng(0).normal(size=({n}, {d}))
result = nk.minimize(nk.{problem}(A, {b}))
assert result.success
"""

SCRIPTS = {
    "empty interpreter": "pass",
    "import scipy.optimize": "import scipy.optimize",
    "import newtonkit": "import newtonkit",
    "exp regression, 100 x 5": _SOLVE.format(n=100, d=5, problem="ExpRegression", b="np.exp(A[:, 0])"),
    "exp regression, 3000 x 30": _SOLVE.format(n=3000, d=30, problem="ExpRegression", b="np.exp(A[:, 0])"),
    "softmax regression, 3000 x 30": _SOLVE.format(
        n=3000, d=30, problem="SoftmaxRegression", b="np.exp(A[:, 0]) / np.exp(A[:, 0]).sum()"
    ),
}
"""What is run."""


def seconds(script: str) -> float:
    """Return the wall time of an interpreter that runs a script."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True)
    return time.perf_counter() - began


def measured(rounds: int) -> dict[str, list[float]]:
    """Return the times of every script, measured in turns after one round to warm up the disk."""
    times: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    for k in range(rounds + 1):
        for name, script in SCRIPTS.items():
            took = seconds(script)
            if k > 0:
                times[name].append(took)
    return times


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="how often each script is run")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    setting = {"machine": machine(), "versions": versions("numpy", "scipy"), "rounds": arguments.rounds}
    print(header(setting["machine"], setting["versions"]), end="\n\n")
    times = measured(arguments.rounds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{'a fresh interpreter that runs':<32}{'seconds':>8}  {'quartiles':<15}more than scipy.optimize")
    for name, values in times.items():
        low, high = spread(values)
        more = medians[name] - medians["import scipy.optimize"]
        print(f"{name:<32}{medians[name]:>8.3f}  {f'{low:.3f} to {high:.3f}':<15}{more:>+8.3f}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(setting | {"seconds": times}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
