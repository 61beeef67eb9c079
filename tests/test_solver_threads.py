"""A solve gives the same bits for any number of threads, whether set in the process or from outside."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import newtonkit as nk
from tests.family import LAYOUTS, NAMED, Member

N, D = 70_000, 6


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = nk.get_num_threads()
    yield
    nk.set_num_threads(before)


def solve(member: Member, layout: str, n_threads: int, groups: bool) -> nk.MinimizeResult:
    nk.set_num_threads(n_threads)
    rng = np.random.default_rng(0)
    a = rng.normal(size=(N, D)) * (rng.random((N, D)) < 0.8)
    b = rng.random(N) * (2.0 if member.structure == "elementwise" else 2.0 / N)
    options = {"groups": np.arange(N) // 11} if groups and member.takes_groups else {}
    p = member.make(
        LAYOUTS[layout](a), b, offset=np.full(N, 0.5), penalty_weights=np.full(N, 1e-3), **options
    )
    assert len(p.design.blocks) > 2
    return nk.minimize(p, np.full(D, 0.1), max_iter=4, starts=1)


def bits(result: nk.MinimizeResult) -> list[object]:
    history = [(r.value, r.gradient_norm, r.ratio, r.radius, r.smallest_curvature) for r in result.history]
    return [result.x.tobytes(), result.jac.tobytes(), result.fun, result.status, repr(history)]


@pytest.mark.parametrize("layout", ["dense float64", "dense float32", "CSR float64"])
@pytest.mark.parametrize("name", NAMED)
def test_a_solve_has_the_same_bits_for_any_number_of_threads(name: str, layout: str) -> None:
    one, two = (solve(NAMED[name], layout, n_threads, False) for n_threads in (1, 2))
    assert one.nit >= 1
    assert bits(one) == bits(two)


@pytest.mark.parametrize("name", ["SoftmaxRegression", "SoftmaxCrossEntropy", "RescaledRegression cosh"])
def test_grouped_solves_have_the_same_bits(name: str) -> None:
    one, two, three = (solve(NAMED[name], "dense float64", n_threads, True) for n_threads in (1, 2, 3))
    assert bits(one) == bits(two) == bits(three)


SOLVES = """
    import hashlib, json, sys
    import numpy as np
    from scipy import sparse
    import newtonkit as nk

    rng = np.random.default_rng(0)
    A = rng.normal(size=(40_000, 40))
    b = rng.random(40_000)
    found = {"threads": nk.get_num_threads()}
    problems = {
        "exp": nk.ExpRegression(A, b),
        "softmax": nk.SoftmaxRegression(A, b / b.sum()),
        "groups": nk.SoftmaxCrossEntropy(A, b, groups=np.arange(40_000) // 5),
        "float32": nk.CoshRegression(A.astype(np.float32), 1.0 + b),
        "sparse": nk.SinhRegression(sparse.csr_array(A * (A > 1.0)), b),
        "wide": nk.ExpRegression(A[:300].reshape(100, 120), b[:100]),
        "rescaled": nk.RescaledRegression(A, b / b.sum(), ridge=1.0),
    }
    for name, problem in problems.items():
        result = nk.minimize(problem, max_iter=3)
        bits = result.x.tobytes() + np.array([record.value for record in result.history]).tobytes()
        found[name] = hashlib.sha256(bits).hexdigest()
    print(json.dumps(found))
"""


def solved_elsewhere(**variables: str) -> dict[str, object]:
    kept = {k: v for k, v in os.environ.items() if not k.endswith("NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SOLVES)],
        env={**kept, **variables},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_threads_of_the_environment_change_no_bit() -> None:
    one = solved_elsewhere(OPENBLAS_NUM_THREADS="1", NEWTONKIT_NUM_THREADS="1", OMP_NUM_THREADS="1")
    two = solved_elsewhere(OPENBLAS_NUM_THREADS="2", NEWTONKIT_NUM_THREADS="2")
    assert (one.pop("threads"), two.pop("threads")) == (1, 2)
    assert one == two
    mixed = solved_elsewhere(OPENBLAS_NUM_THREADS="2", NEWTONKIT_NUM_THREADS="1")
    assert mixed.pop("threads") == 1
    assert one == mixed
