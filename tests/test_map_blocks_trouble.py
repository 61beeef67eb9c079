"""Blocks in threads when things go wrong: errors, interruptions, and another number of threads meanwhile."""

import gc
import signal
import sys
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.design import map_blocks
from tests.meeting import A_WHILE, PATIENCE, Meeting

pytestmark = pytest.mark.usefixtures("two_threads")


def test_the_lowest_block_that_fails_is_reported_though_taken_and_not_begun() -> None:
    class Late:
        """Whoever has taken block 0 looks at the length only once block 1 has failed."""

        failed = threading.Event()

        def __len__(self) -> int:
            frame: Any = sys._getframe(1)
            if frame.f_code.co_name == "work" and frame.f_locals.get("k") == 0:
                self.failed.wait(PATIENCE)
                time.sleep(A_WHILE)
            return 2

        def __getitem__(self, k: int) -> int:
            return k

    def fail(k: int) -> None:
        if k == 1:
            Late.failed.set()
        raise ValueError(k)

    with pytest.raises(ValueError, match=r"^0$"):
        map_blocks(fail, Late())  # type: ignore[arg-type]


def test_an_interrupt_is_not_lost_behind_an_error() -> None:
    meet, caller = Meeting(2), threading.get_ident()

    def both(k: int) -> None:
        meet()
        if threading.get_ident() == caller:
            signal.raise_signal(signal.SIGINT)
        time.sleep(A_WHILE)
        raise ValueError(k)

    for _ in range(20):  # until the helper has block 0
        meet = Meeting(2)
        with pytest.raises(KeyboardInterrupt):
            map_blocks(both, range(2))


def test_nothing_runs_on_after_an_interrupt_while_waiting() -> None:
    meet, caller, ended = Meeting(2), threading.get_ident(), []

    def slow(k: int) -> None:
        meet()
        if threading.get_ident() != caller:
            time.sleep(3 * A_WHILE)
            ended.append(k)

    timer = threading.Timer(A_WHILE, lambda: signal.pthread_kill(caller, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        map_blocks(slow, range(2))
    assert len(ended) == 1


def test_the_error_call_of_the_caller_holds_in_helpers() -> None:
    meet, called = Meeting(2), []

    def overflow(_: int) -> None:
        meet()
        np.exp(np.array([1000.0]))

    with np.errstate(over="call", call=lambda *_: called.append(1)):
        map_blocks(overflow, range(2))
    assert len(called) == 2


def test_the_number_of_threads_may_be_set_while_blocks_run() -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(20):
                map_blocks(
                    lambda _: [map_blocks(lambda _: time.sleep(0.001), range(3)) for _ in range(5)], range(4)
                )
        except BaseException as failure:
            failures.append(failure)

    def change() -> None:
        while thread.is_alive():
            nk.set_num_threads(5 - nk.get_num_threads())

    thread = threading.Thread(target=run, daemon=True)
    other = threading.Thread(target=change, daemon=True)
    thread.start()
    other.start()
    thread.join(PATIENCE / 2)
    assert not thread.is_alive(), "a deadlock"
    assert not failures


def test_a_failed_call_leaves_nothing_in_memory() -> None:
    class Data:
        """Large."""

    def call() -> Any:
        data = Data()

        def fail(_: int) -> None:
            raise ValueError(data)

        with pytest.raises(ValueError):
            map_blocks(fail, range(4))
        return weakref.ref(data)

    gc.disable()
    try:
        found = call()
        time.sleep(A_WHILE)
        assert found() is None
    finally:
        gc.enable()
