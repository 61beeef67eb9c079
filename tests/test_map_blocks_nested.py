"""Blocks in threads: calls within calls, beside each other, and in forks; error settings everywhere."""

import multiprocessing
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.design import map_blocks
from tests.meeting import PATIENCE, Meeting, in_time

pytestmark = pytest.mark.usefixtures("threads_restored")


class Refused(Exception):
    """What block functions of these tests raise."""


def nested(depth: int) -> int:
    """The number of leaves of a tree of calls, three blocks each."""
    return 1 if depth == 0 else sum(map_blocks(lambda _: nested(depth - 1), range(3)))


def test_calls_within_calls_end(n_threads: int) -> None:
    assert in_time(lambda: nested(5)) == 3**5


@pytest.mark.parametrize("depth", [1, 3])
def test_calls_from_all_threads_at_once_end(n_threads: int, depth: int) -> None:
    meet = Meeting(n_threads)

    def within(_: int) -> int:
        meet()
        return nested(depth)

    assert in_time(lambda: map_blocks(within, range(2 * n_threads))) == [3**depth] * (2 * n_threads)


def test_failures_within_come_out(n_threads: int) -> None:
    def fail(j: int, k: int) -> int:
        if (j, k) == (2, 1):
            raise Refused(j, k)
        return k

    with pytest.raises(Refused) as caught:
        in_time(lambda: map_blocks(lambda j: map_blocks(lambda k: fail(j, k), range(3)), range(4)))
    assert caught.value.args == (2, 1)


def test_calls_from_several_threads_do_not_mix(n_threads: int) -> None:
    found: dict[int, list[list[int]]] = {}
    meet = threading.Barrier(6)

    def call(name: int) -> None:
        meet.wait(PATIENCE)
        found[name] = [
            map_blocks(lambda k: name * 1000 + sum(map_blocks(abs, [k, 1])), range(7)) for _ in range(9)
        ]

    threads = [threading.Thread(target=call, args=(name,), daemon=True) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == {name: [[name * 1000 + k + 1 for k in range(7)]] * 9 for name in range(6)}


def test_error_settings_hold_in_helpers_and_within_and_end_with_the_call() -> None:
    nk.set_num_threads(2)
    usual = np.geterr()

    def settings(_: int) -> tuple[int, Any, Any]:
        meet()
        return threading.get_ident(), np.geterr(), map_blocks(lambda _: np.geterr(), range(3))

    for asked in ({"over": "raise", "under": "ignore"}, {"divide": "print"}, {}):
        meet = Meeting(2)
        with np.errstate(**asked):  # type: ignore[arg-type]
            found = map_blocks(settings, range(4))
        assert len({each[0] for each in found}) == 2
        for _, own, within in found:
            assert own == {**usual, **asked} and within == [own] * 3
    assert np.geterr() == usual


def _in_child(connection: Any) -> None:
    meet = Meeting(2)
    connection.send((map_blocks(lambda k: (meet(), k)[1], range(5)), nested(3)))
    connection.close()


def results_of_a_fork() -> Any:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(sender,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork beside threads
        child.start()
    try:
        assert receiver.poll(PATIENCE), "the child hangs"
        return receiver.recv()
    finally:
        child.kill()
        child.join(PATIENCE)


@pytest.mark.parametrize("within", [False, True])
def test_a_fork_has_threads_of_its_own(within: bool) -> None:
    """Also one from within a block function, while threads of the parent are at work."""
    nk.set_num_threads(2)
    assert nested(2) == 9
    found = (
        map_blocks(lambda k: results_of_a_fork() if k == 1 else k, range(3))[1]
        if within
        else results_of_a_fork()
    )
    assert found == ([0, 1, 2, 3, 4], 27)
