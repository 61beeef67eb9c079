"""Blocks in threads: results in order, who works, failures and interruptions."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import threadpoolctl

import newtonkit as nk
from newtonkit.design import map_blocks
from tests.meeting import A_WHILE, PATIENCE, Meeting

pytestmark = pytest.mark.usefixtures("threads_restored")


class Log:
    """Which blocks have begun and which have ended."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.threads: set[int] = set()

    def wrap(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def logged(block: Any) -> Any:
            self.begun.append(block)
            self.threads.add(threading.get_ident())
            try:
                return function(block)
            finally:
                self.ended.append(block)

        return logged


# Results


KINDS: dict[str, Sequence[Any]] = {
    "range": range(37),
    "steps": range(5, 100, 7),
    "list": [3, 1, 2],
    "tuple": (4.5, "text", None),
    "slices": [slice(k, k + 2) for k in range(9)],
    "array": np.arange(11.0),
    "text": "blocks",
    "one": [7],
    "none": [],
    "empty range": range(0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_results_come_in_block_order_each_block_once(n_threads: int, kind: str) -> None:
    log, blocks = Log(), KINDS[kind]
    found = map_blocks(log.wrap(lambda block: (block, 1)), blocks)
    assert isinstance(found, list)
    assert found == [(block, 1) for block in blocks]
    assert len(log.begun) == len(blocks)
    assert sorted(map(str, log.begun)) == sorted(map(str, blocks))


def test_results_come_in_block_order_whichever_ends_first() -> None:
    nk.set_num_threads(2)
    ended = threading.Event()

    def wait_for_the_next(k: int) -> int:
        if k == 0:
            assert ended.wait(PATIENCE)
        elif k == 3:
            ended.set()
        return 10 * k

    assert map_blocks(wait_for_the_next, range(6)) == [0, 10, 20, 30, 40, 50]


def test_none_is_a_result_like_any_other(n_threads: int) -> None:
    assert map_blocks(lambda _: None, range(5)) == [None] * 5


@pytest.mark.parametrize("blocks", [2, 3, 10])
def test_the_caller_works_with_as_many_helpers_as_there_are_threads(n_threads: int, blocks: int) -> None:
    many = min(n_threads, blocks)
    log, meet = Log(), Meeting(many)
    map_blocks(log.wrap(lambda _: meet()), range(blocks))
    assert threading.get_ident() in log.threads
    assert len(log.threads) == many


def test_sums_have_the_same_bits_for_any_number_of_threads() -> None:
    x, found = np.random.default_rng(0).normal(size=10_000), []
    for number in (1, 2, 3, 2, 1):
        nk.set_num_threads(number)
        found.append(map_blocks(lambda k: float(np.exp(x[k : k + 700]).sum()), range(0, 10_000, 700)))
    assert all(each == found[0] for each in found)


# Failures


class Refused(Exception):
    """What block functions of these tests raise."""


@pytest.mark.parametrize("error", [Refused, StopIteration, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("which", [0, 1, 7])
def test_what_a_block_raises_is_raised(n_threads: int, which: int, error: type[BaseException]) -> None:
    raised = error("block")

    def fail(k: int) -> None:
        if k == which:
            raise raised

    with pytest.raises(error) as caught:
        map_blocks(fail, range(8))
    assert caught.value is raised
    assert map_blocks(abs, range(8)) == list(range(8))


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_block_that_fails_is_reported(first: int) -> None:
    """Even where the blocks after it have failed long before."""
    nk.set_num_threads(3)
    meet, failed = Meeting(3), threading.Event()

    def fail(k: int) -> None:
        meet()
        if k < first:
            return
        if k == first:
            assert failed.wait(PATIENCE)
            time.sleep(A_WHILE)
        failed.set()
        raise Refused(k)

    for _ in range(3):
        meet, failed = Meeting(3), threading.Event()
        with pytest.raises(Refused) as caught:
            map_blocks(fail, range(9))
        assert caught.value.args == (first,)


@pytest.mark.parametrize("which", ["caller", "helper"])
@pytest.mark.parametrize("error", [Refused, KeyboardInterrupt])
def test_nothing_begins_after_a_failure_and_nothing_runs_on(error: type[BaseException], which: str) -> None:
    nk.set_num_threads(2)
    log, meet, caller = Log(), Meeting(2), threading.get_ident()

    def fail(k: int) -> None:
        meet()
        if (threading.get_ident() == caller) == (which == "caller"):
            raise error(k)
        time.sleep(A_WHILE)

    with pytest.raises(error):
        map_blocks(log.wrap(fail), range(100))
    begun, ended = sorted(log.begun), sorted(log.ended)
    assert begun == [0, 1] and ended == [0, 1]
    time.sleep(A_WHILE)
    assert sorted(log.begun) == begun


def test_an_interrupt_in_the_share_of_the_caller_ends_all() -> None:
    nk.set_num_threads(2)
    log, meet, caller = Log(), Meeting(2), threading.get_ident()

    def interrupted(_: int) -> None:
        meet()
        if threading.get_ident() == caller:
            signal.raise_signal(signal.SIGINT)
            time.sleep(PATIENCE)
        time.sleep(A_WHILE)

    with pytest.raises(KeyboardInterrupt):
        map_blocks(log.wrap(interrupted), range(100))
    assert sorted(log.begun) == sorted(log.ended) == [0, 1]
    assert map_blocks(abs, range(4)) == [0, 1, 2, 3]


def test_blas_threads_are_given_back_after_an_interrupt() -> None:
    def limits() -> list[int]:
        return [each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"]

    nk.set_num_threads(2)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = limits()
        with pytest.raises(KeyboardInterrupt):
            map_blocks(lambda _: signal.raise_signal(signal.SIGINT), [0])
        assert limits() == before
