"""Threads that wait for each other in tests, though not for ever."""

import threading
from collections.abc import Callable
from typing import Any

PATIENCE = 20.0  # seconds after which what should have come is taken for lost
A_WHILE = 0.1  # seconds in which another thread, free to go on, would have gone on


def in_time(call: Callable[[], Any]) -> Any:
    """What `call` returns or raises, in a thread of its own, so that a deadlock is only a failure."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append((call(), None))
        except BaseException as failure:
            found.append((None, failure))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert found, "a deadlock"
    if found[0][1] is not None:
        raise found[0][1]
    return found[0][0]


class Meeting:
    """The first `n` block functions wait for each other, so that as many threads are at work."""

    def __init__(self, n: int) -> None:
        self._barrier, self._lock, self._left = threading.Barrier(n), threading.Lock(), n

    def __call__(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                return
        self._barrier.wait(PATIENCE)
