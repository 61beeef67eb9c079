"""What a ready-made problem is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newtonkit.problems import Problem

__all__ = ["ReadyProblem"]


@dataclass(frozen=True)
class ReadyProblem:
    """A problem that can be loaded.

    Attributes
    ----------
    description : str
        What it is, in a line.
    load : callable
        Returns the problem.
    extra : str, default ""
        The extra of newtonkit that brings the data.  Empty where the data comes with scikit-learn,
        which is always there.

    Examples
    --------
    >>> from newtonkit.datasets import PROBLEMS
    >>> PROBLEMS["diabetes"]["exp"].load()
    ExpRegression(n=442, d=11, groups=1)
    >>> PROBLEMS["diamonds"]["exp"].extra
    'bench'
    """

    description: str
    load: Callable[[], Problem]
    extra: str = ""
