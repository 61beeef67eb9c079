"""Large arrays that come and go, in pages of memory of their own."""

from __future__ import annotations

import mmap
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_LEAST_BYTES = 2**20


def paged_zeros(shape: tuple[int, ...], order: Literal["C", "F"] = "C") -> NDArray[np.float64]:
    """Return an array of zeros, whose memory goes back to the system when the array does if it is large.

    The heap keeps what is freed.  Once smaller arrays have settled in the hole that a large one has
    left the next large one no longer fits, and a solve that makes one at every point holds some.

    Parameters
    ----------
    shape : tuple of int
        The shape.
    order : {"C", "F"}, default "C"
        The order of the entries.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from newtonkit.design.pages import paged_zeros
    >>> paged_zeros((2, 3)).shape
    (2, 3)
    """
    size = 8 * int(np.prod(shape))
    if size < _LEAST_BYTES or not hasattr(mmap, "MAP_ANONYMOUS"):
        return np.zeros(shape, order=order)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.ndarray(shape, dtype=np.float64, buffer=memory, order=order)
