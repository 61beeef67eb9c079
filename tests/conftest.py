"""Fixtures that several files use."""

from collections.abc import Iterator

import pytest

import newtonkit as nk


@pytest.fixture
def threads_restored() -> Iterator[None]:
    """Set the number of threads back when the test has ended."""
    before = nk.get_num_threads()
    yield
    nk.set_num_threads(before)


@pytest.fixture
def two_threads(threads_restored: None) -> None:
    """Two threads, whatever the machine has."""
    nk.set_num_threads(2)


@pytest.fixture(params=[1, 2, 3])
def n_threads(request: pytest.FixtureRequest, threads_restored: None) -> int:
    """Return a number of threads, which has been set."""
    nk.set_num_threads(request.param)
    return int(request.param)
