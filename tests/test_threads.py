"""Threads: the same bits for any number of them, errors and settings passed on, forks survived."""

import multiprocessing
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import threadpoolctl
from scipy import sparse

import newtonkit as nk
from newtonkit.design import Design, as_design, map_blocks

pytestmark = pytest.mark.usefixtures("two_threads")


def data(n: int = 200_000, d: int = 5) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.8)


CONTAINERS: dict[str, Callable[[np.ndarray], object]] = {
    "C": np.asarray,
    "Fortran": np.asfortranarray,
    "float32": lambda a: a.astype(np.float32),
    "CSR": sparse.csr_array,
}


def results(design: Design) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    n, d = design.shape
    weights = rng.standard_normal(n)
    return [
        design.product(rng.standard_normal(d)),
        design.product(rng.standard_normal((d, 3))),
        design.transposed_product(weights),
        design.transposed_product(rng.standard_normal((n, 2))),
        design.square_transposed_product(weights),
        design.sandwich(weights),
        design.sandwich(np.abs(weights)),
        design.row_norms,
    ]


@pytest.mark.parametrize("container", CONTAINERS)
def test_designs_give_the_same_bits_for_any_number_of_threads(container: str) -> None:
    a = CONTAINERS[container](data())
    every = []
    for n_threads in (1, 2, 3):
        nk.set_num_threads(n_threads)
        design = as_design(a, fit_intercept=True)
        assert len(design.blocks) > 3
        every.append(results(design))
    for one, two, three in zip(*every, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("grouped", [False, True], ids=["one group", "many groups"])
def test_problems_give_the_same_bits_for_any_number_of_threads(grouped: bool) -> None:
    a = data()
    b = np.random.default_rng(2).random(len(a))
    x = np.linspace(-0.3, 0.4, 5)
    every = []
    for n_threads in (1, 2):
        nk.set_num_threads(n_threads)
        problem = nk.EntropySoftmaxRegression(
            a, b, entropy_weight=0.1, groups=np.arange(len(a)) // 7 if grouped else None
        )
        hessian = problem.hess(x)
        every.append([problem.fun(x), problem.jac(x), hessian @ x, hessian.to_dense(), hessian.diagonal()])
    for one, two in zip(*every, strict=True):
        np.testing.assert_array_equal(one, two)


def test_blas_threads_are_held_and_given_back() -> None:
    def limits() -> list[int]:
        found = threadpoolctl.threadpool_info()
        return [library["num_threads"] for library in found if library["user_api"] == "blas"]

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = limits()
        inside = map_blocks(lambda _: limits(), [0, 1, 2])
        assert limits() == before
    assert before
    assert all(set(each) == {1} for each in inside)


def test_blas_threads_are_given_back_after_an_error() -> None:
    def fail(block: int) -> None:
        raise RuntimeError(f"block {block}")

    before = [library["num_threads"] for library in threadpoolctl.threadpool_info()]
    with pytest.raises(RuntimeError, match="block"):
        map_blocks(fail, [0, 1, 2])
    assert [library["num_threads"] for library in threadpoolctl.threadpool_info()] == before


def test_error_settings_of_the_caller_hold_in_every_thread() -> None:
    with np.errstate(over="raise"):
        assert [setting["over"] for setting in map_blocks(lambda _: np.geterr(), range(4))] == ["raise"] * 4


def test_results_come_in_the_order_of_the_blocks() -> None:
    assert map_blocks(lambda k: k * k, range(50)) == [k * k for k in range(50)]


@pytest.mark.parametrize(
    ("n_threads", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (1.5, TypeError),
        ("2", TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_bad_numbers_of_threads_are_refused(n_threads: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="n_threads"):
        nk.set_num_threads(n_threads)  # type: ignore[arg-type]
    assert nk.get_num_threads() == 2


def _product_in_child(connection, design: Design, x: np.ndarray) -> None:
    connection.send((design.product(x), design.sandwich(np.ones(design.shape[0]))))
    connection.close()


def test_a_fork_after_a_threaded_product_works() -> None:
    design = as_design(data())
    x = np.ones(design.shape[1])
    here = (design.product(x), design.sandwich(np.ones(design.shape[0])))
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_product_in_child, args=(sender, design, x))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork beside threads
        child.start()
    try:
        assert receiver.poll(30), "the child hangs"
        there = receiver.recv()
        child.join(30)
    finally:
        child.kill()
    assert child.exitcode == 0
    for mine, its in zip(here, there, strict=True):
        np.testing.assert_array_equal(mine, its)
