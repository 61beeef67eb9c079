"""What a fresh interpreter loads: nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

_SOLVE = """
import newtonkit as nk
A = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, -1.0]]
assert nk.minimize({problem}).success
"""
SMALL_SOLVES = {
    "exp": "nk.ExpRegression(A, [1.0, 2.0, 5.0, 1.0])",
    "softmax with groups": "nk.SoftmaxRegression(A, [0.3, 0.7, 0.6, 0.4], groups=[0, 0, 1, 1], ridge=0.1)",
    "cross-entropy": "nk.SoftmaxCrossEntropy(A, [0.3, 0.7, 0.6, 0.4], ridge=0.1)",
}
LARGER_SOLVE = """
import numpy as np
import newtonkit as nk
A = np.random.default_rng(0).normal(size=(3000, 30))
assert nk.minimize(nk.ExpRegression(A, np.exp(A[:, 0]))).success
"""


def _loaded_by(script: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after a script."""
    script += "\nimport sys\nprint(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    return set(done.stdout.split())


def test_import_loads_nothing_heavy():
    assert not _loaded_by("import newtonkit") & {"numpy", "scipy", "numba", "sklearn", "pandas", "rich"}


@pytest.mark.parametrize("problem", SMALL_SOLVES.values(), ids=SMALL_SOLVES)
def test_a_small_solve_loads_neither_numba_nor_frames(problem):
    assert not _loaded_by(_SOLVE.format(problem=problem)) & {"numba", "sklearn", "pandas", "rich"}


def test_nor_does_one_of_ninety_thousand_entries():
    assert not _loaded_by(LARGER_SOLVE) & {"numba", "sklearn", "pandas", "rich"}


def test_version_in_the_shell_loads_nothing_heavy():
    script = "from newtonkit.cli import main; main(['--version'])"
    assert not _loaded_by(script) & {"numpy", "scipy", "numba", "sklearn", "pandas", "rich"}
