"""What a wide sparse solve keeps beside its data, and the sums and tiles that it is kept small by."""

import mmap
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

import newtonkit as nk
from newtonkit.approximate.low_rank import LowRankPreconditioner
from newtonkit.design import as_design, get_num_threads, map_blocks, set_num_threads
from newtonkit.design.pages import paged_zeros
from newtonkit.design.threads import OrderedSum
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.sweep import _fewer, swept

SHAPE, PER_ROW = (4000, 10_000), 200
SHARE, VECTORS = 0.2, 48  # of the data, for heavy rows and sums; and vectors of d entries


def wide(n: int, d: int, per_row: int) -> csr_array:
    rng = np.random.default_rng(0)
    columns = np.concatenate([np.sort(rng.choice(d, per_row, replace=False)) for _ in range(n)])
    entries = rng.standard_normal(n * per_row) / np.sqrt(per_row)
    return csr_array((entries, columns.astype(np.int32), per_row * np.arange(n + 1, dtype=np.int32)), (n, d))


def peak_of(work: Callable[[], Any]) -> tuple[Any, int]:
    """Return what some work returns, and the most memory that was in use meanwhile beyond before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        found = work()
        return found, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def planted() -> tuple[csr_array, np.ndarray, int]:
    a = wide(*SHAPE, PER_ROW)
    b = np.exp(a @ np.random.default_rng(1).standard_normal(SHAPE[1]))
    return a, b, a.data.nbytes + a.indices.nbytes + a.indptr.nbytes


@pytest.mark.parametrize("kind", ["exp", "softmax"])
def test_a_wide_solve_keeps_vectors_and_a_fifth_of_the_data(kind: str, planted: Any) -> None:
    a, b, size = planted

    def solve() -> Any:
        if kind == "exp":
            return nk.minimize(nk.ExpRegression(a, b, ridge=0.1), max_iter=6)
        return nk.minimize(nk.SoftmaxRegression(a, b / b.sum(), ridge=0.1 / len(b) ** 2), max_iter=6)

    before = get_num_threads()
    try:
        set_num_threads(2)  # each has a sum of its own at hand
        solve()  # what is imported and compiled is no part of it
        result, peak = peak_of(solve)
    finally:
        set_num_threads(before)
    assert result.method == "sketched" and result.nit >= 3
    assert peak <= SHARE * size + VECTORS * 8 * SHAPE[1]


def test_sparse_data_are_checked_without_a_copy(planted: Any) -> None:
    a, _, size = planted
    assert peak_of(lambda: as_design(a))[1] <= 0.05 * size


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1e200, 1e200])
@pytest.mark.parametrize("place", [0, 7])
def test_a_bad_entry_is_refused_whatever_its_sign(bad: float, place: int) -> None:
    a = csr_array(np.linspace(-1.0, 1.0, 12).reshape(4, 3))
    a.data[place] = bad
    with pytest.raises(ValueError, match=r"finite|largest entry"):
        as_design(a)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_squares_are_summed_over_tiles_to_the_same(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    a = random_array((1500, 900), density=0.01, rng=rng, format="csr", dtype=np.float64).astype(dtype)
    v, design = rng.standard_normal(1500), as_design(a)
    assert not design.is_small
    at_once = design.square_transposed_product(v)
    np.testing.assert_allclose(at_once, np.square(a.toarray().astype(float)).T @ v, rtol=1e-12, atol=1e-12)
    monkeypatch.setattr("newtonkit.design.sparse._SQUARED", 100)
    assert np.array_equal(design.square_transposed_product(v), at_once)


def test_squares_of_a_large_design_without_entries() -> None:
    design = as_design(csr_array((2000, 900)))
    assert not design.is_small and not design.square_transposed_product(np.ones(2000)).any()


def test_parts_are_added_in_the_order_of_their_numbers() -> None:
    parts = [np.array([1e16]), np.array([1.0]), np.array([-1e16]), np.array([1.0])]
    expected = ((parts[0] + parts[1]) + parts[2]) + parts[3]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        whole = OrderedSum()
        for k in order:
            whole.take(k, parts[k].copy())
        assert whole.total == expected


def test_parts_that_come_in_order_do_not_pile_up() -> None:
    whole, count = OrderedSum(), 50
    peak = peak_of(lambda: [whole.take(k, np.ones(10_000)) for k in range(count)])[1]
    assert (whole.total == count).all() and peak < 5 * 80_000


def test_parts_from_many_threads_are_all_taken() -> None:
    whole, before = OrderedSum(), get_num_threads()
    meeting = threading.Barrier(2)

    def give(k: int) -> None:
        if k < 2:
            meeting.wait(10.0)  # two threads are at work for certain
        whole.take(k, np.full(100, float(k)))

    try:
        set_num_threads(4)
        map_blocks(give, range(40))
    finally:
        set_num_threads(before)
    assert (whole.total == sum(range(40))).all()


def test_sums_of_a_wide_sweep_are_few_and_add_up_to_the_gradient(planted: Any) -> None:
    a, b, size = planted
    problem = nk.SoftmaxRegression(a, b / b.sum(), ridge=1e-9)
    x = 0.1 * np.random.default_rng(3).standard_normal(SHAPE[1])
    _, pulls = swept(problem, x)
    assert pulls.sums.nbytes <= max(0.04 * size, 2 * 3 * 8 * SHAPE[1])
    p = np.exp(a @ x)
    p /= p.sum()
    r = p - problem.outer.target
    expected = a.T @ (p * (r - p @ r)) + 1e-9 * x
    np.testing.assert_allclose(problem.jac(x), expected, rtol=1e-10, atol=1e-16)


def test_runs_are_joined_until_their_sums_are_few() -> None:
    sweeps = tuple(slice(10 * k, 10 * k + 10) for k in range(12))
    joined = _fewer(sweeps, 5_000_000, 3 * 50_000)
    assert len(joined) == 2 and 2 * 3 * 50_000 * 8 <= 0.04 * 12 * 5_000_000
    rows = [i for run in joined for i in range(run.start, run.stop)]
    assert rows == list(range(120))
    assert _fewer(sweeps, 5_000_000, 3 * 1000) == list(sweeps)  # narrow designs keep theirs
    assert len(_fewer(sweeps[:1], 1000, 10**6)) == 1


def test_the_last_preconditioner_goes_before_the_next_is_made(
    planted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, _ = planted
    alive: list[int] = []
    made: list[weakref.ref[Any]] = []
    sizes, heavy = StructuredHessian.diagonal_sizes, LowRankPreconditioner.__init__

    def counted(hessian: StructuredHessian) -> np.ndarray:
        alive.append(sum(each() is not None for each in made))
        return sizes(hessian)

    def noted(preconditioner: LowRankPreconditioner, *arguments: Any) -> None:
        made.append(weakref.ref(preconditioner))
        heavy(preconditioner, *arguments)

    monkeypatch.setattr(StructuredHessian, "diagonal_sizes", counted)
    monkeypatch.setattr(LowRankPreconditioner, "__init__", noted)
    nk.minimize(nk.ExpRegression(a, b, ridge=0.1), max_iter=3)
    assert len(made) >= 3 and not any(alive)


def test_helpers_that_were_called_off_keep_nothing() -> None:
    class Large:
        """Stands for an array."""

    gate, busy, before = threading.Event(), threading.Semaphore(0), get_num_threads()

    def occupy(_: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            busy.release()
            gate.wait(20.0)
        elif not gate.is_set():
            for _ in range(2):
                assert busy.acquire(timeout=20.0)  # all helpers are at work

    def seen() -> weakref.ref[Large]:
        large = Large()
        return map_blocks(lambda _: weakref.ref(large), range(3))[0]

    try:
        set_num_threads(3)
        kept: list[bool] = []

        def first(k: int) -> None:
            occupy(k)
            if threading.current_thread() is threading.main_thread():
                kept.append(seen()() is not None)
                gate.set()

        map_blocks(first, range(3))
    finally:
        gate.set()
        set_num_threads(before)
    assert kept == [False]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [3, 700])
def test_paged_arrays_are_zeros_in_the_order_asked_for(order: Any, rows: int) -> None:
    first, second = paged_zeros((rows, 300), order), paged_zeros((rows, 300), order)
    assert not first.any() and first.shape == (rows, 300) and first.flags[f"{order}_CONTIGUOUS"]
    first[:] = 1.0
    assert not second.any() and first.sum() == rows * 300
    assert isinstance(first.base, mmap.mmap) == (rows == 700)  # which goes back to the system


def test_paged_arrays_are_plain_where_there_are_no_such_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mmap, "MAP_ANONYMOUS")
    large = paged_zeros((700, 300), "F")
    assert not large.any() and large.flags.f_contiguous and large.flags.owndata
