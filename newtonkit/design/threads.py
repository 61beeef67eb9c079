"""Run block functions in a thread pool, with BLAS held at one thread inside.

Results never depend on the number of threads: the blocks are fixed by the shape of the
data, every block function is sequential, and results come back in block order.  BLAS is
held at one thread because its own threads change the rounding of a product, and because
OpenBLAS workers keep spinning after a product and slow down whatever runs next.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from typing import Any, Generic, TypeVar, cast

import numpy as np
import scipy.linalg  # noqa: F401  (loads SciPy's own BLAS, so that the controller below sees it)
import threadpoolctl
from numpy.typing import NDArray

T = TypeVar("T")
R = TypeVar("R")


class _Workers:
    """The pool and the BLAS limit of this process, made when first needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool: ThreadPoolExecutor | None = None
        self.n_threads: int | None = None
        self.controller: threadpoolctl.ThreadpoolController | None = None
        self.limiter: Any = None
        self.users = 0


_workers = _Workers()


def _after_fork() -> None:
    """Forget the parent's threads: none of them lives in the child."""
    global _workers  # noqa: PLW0603  (the one place that may replace it)
    inherited = _workers
    _workers = _Workers()
    _workers.n_threads = inherited.n_threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _default_threads() -> int:
    asked = os.environ.get("NEWTONKIT_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads() -> int:
    """Return the number of threads that row blocks are spread over.

    Returns
    -------
    int
        What :func:`set_num_threads` set; else the environment variable
        ``NEWTONKIT_NUM_THREADS``; else the number of processors this process may use.

    Examples
    --------
    >>> import newtonkit as nk
    >>> nk.get_num_threads() >= 1
    True
    """
    if _workers.n_threads is None:
        _workers.n_threads = _default_threads()
    return _workers.n_threads


def set_num_threads(n_threads: int) -> None:
    """Set the number of threads that row blocks are spread over.

    Results are the same to the last bit for any number of threads.

    Parameters
    ----------
    n_threads : int
        At least 1.

    Raises
    ------
    TypeError
        If `n_threads` is not an integer.
    ValueError
        If `n_threads` is less than 1.

    Examples
    --------
    >>> import newtonkit as nk
    >>> before = nk.get_num_threads()
    >>> nk.set_num_threads(1)
    >>> nk.get_num_threads()
    1
    >>> nk.set_num_threads(before)
    """
    if isinstance(n_threads, bool) or not hasattr(n_threads, "__index__"):
        raise TypeError(f"n_threads must be an integer, got {n_threads!r}")
    wanted = int(n_threads)
    if wanted < 1:
        raise ValueError(f"n_threads must be at least 1, got {wanted}")
    with _workers.lock:
        former = None
        if wanted != _workers.n_threads:
            former, _workers.pool = _workers.pool, None
        _workers.n_threads = wanted
    if former is not None:  # without waiting: whoever is at work in it may need the lock
        former.shutdown(wait=False)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS at one thread; nested and concurrent uses restore the setting once, at the end.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design import one_blas_thread
    >>> with one_blas_thread():
    ...     product = np.eye(2) @ np.eye(2)
    """
    workers = _workers
    with workers.lock:
        if workers.users == 0:
            if workers.controller is None:
                workers.controller = threadpoolctl.ThreadpoolController()
            workers.limiter = workers.controller.limit(limits=1, user_api="blas")
        workers.users += 1
    try:
        yield
    finally:
        with workers.lock:
            workers.users -= 1
            if workers.users == 0:
                workers.limiter.restore_original_limits()
                workers.limiter = None


class _Shared(Generic[T, R]):
    """Blocks that several threads take in turn, each the next one, until none is left or one has failed."""

    def __init__(self, function: Callable[[T], R], blocks: Sequence[T]) -> None:
        self._function: Callable[[T], R] | None = function
        self._blocks = blocks
        self._results: list[R | None] = [None] * len(blocks)
        self._failures: dict[int, BaseException] = {}
        self._next = count()  # one at a time under the GIL
        self._settings: dict[str, Any] = {**np.geterr(), "call": np.geterrcall()}
        self.is_stopped = False

    def work(self) -> None:
        """Take blocks until there are no more; a block that is taken is dealt with."""
        function, blocks = self._function, self._blocks
        while not self.is_stopped and function is not None:
            k = next(self._next)
            if k >= len(blocks):
                return
            try:
                self._results[k] = function(blocks[k])
            except BaseException as failure:  # raised again by the caller
                self._failures[k], self.is_stopped = failure, True

    def help(self) -> None:
        """Do the same in another thread, with the caller's floating-point error settings."""
        with np.errstate(**self._settings):
            self.work()

    def results(self) -> list[R]:
        """Return the results in block order, or raise what the first block that failed has raised.

        An interruption goes before errors.  All is forgotten: a busy pool may come to a helper that
        was called off only much later, and would keep what it was to work on until then.
        """
        results, self._function, self._blocks, self._results = self._results, None, (), []
        if self._failures:
            order = sorted(self._failures, key=lambda k: (isinstance(self._failures[k], Exception), k))
            failure = self._failures[order[0]]
            self._failures.clear()
            try:
                raise failure
            finally:
                del failure, results  # else it would hold itself, and all arrays at hand, by its traceback
        return cast(list[R], results)


def _wait_for(futures: Sequence[Future[None]]) -> None:
    """Return when none of the futures is at work any more, even if interrupted once meanwhile."""
    running = [future for future in futures if not future.cancel()]
    try:
        wait(running)
    except BaseException:
        wait(running)
        raise


def map_blocks(function: Callable[[T], R], blocks: Sequence[T]) -> list[R]:
    """Apply `function` to every block, in threads when there are several of both.

    The calling thread works too, so that a call from within a block function ends whatever the
    others do, and threads take block after block without being handed each.  NumPy's
    floating-point error settings are those of the caller in every thread.

    Parameters
    ----------
    function : callable
        Called with each block, from any thread.
    blocks : sequence
        The blocks.

    Returns
    -------
    list
        What it returned, in the order of the blocks.

    Examples
    --------
    >>> from newtonkit.design import map_blocks
    >>> map_blocks(len, [[1, 2], [3], []])
    [2, 1, 0]
    """
    with one_blas_thread():
        helpers = min(get_num_threads(), len(blocks)) - 1
        if helpers < 1:
            return [function(block) for block in blocks]
        shared = _Shared(function, blocks)
        with _workers.lock:
            if _workers.pool is None:
                _workers.pool = ThreadPoolExecutor(get_num_threads(), "newtonkit")
            futures = [_workers.pool.submit(shared.help) for _ in range(helpers)]
        try:
            shared.work()
        finally:
            shared.is_stopped = True
            _wait_for(futures)
        return shared.results()


class OrderedSum:
    """A sum of arrays that come from several threads in any order, and are added in that of their numbers.

    Each goes as soon as those before it are there: few are kept, of which wide designs have long ones.

    Attributes
    ----------
    total : ndarray
        The sum so far.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design.threads import OrderedSum
    >>> whole = OrderedSum()
    >>> whole.take(1, np.array([2.0]))
    >>> whole.take(0, np.array([1.0]))
    >>> whole.total
    array([3.])
    """

    total: NDArray[np.float64]

    def __init__(self) -> None:
        self._lock, self._next = threading.Lock(), 0
        self._waiting: dict[int, NDArray[np.float64]] = {}

    def take(self, number: int, part: NDArray[np.float64]) -> None:
        """Take in the array of a number, from 0 on; the first is added to in place."""
        with self._lock:
            self._waiting[number] = part
            while self._next in self._waiting:
                fresh = self._waiting.pop(self._next)
                if self._next == 0:
                    self.total = fresh
                else:
                    self.total += fresh
                self._next += 1
