"""The parameters that all named problems share, written once for their docstrings."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

_SHARED = """
    Parameters
    ----------
    A : array_like, sparse matrix or array, or data frame, shape (n, d)
        The design matrix: dense (C, Fortran or strided, float64 or float32), CSR or CSC;
        float32 data stays float32 in memory, all sums are float64.
    b : array_like, shape (n,)
        {target}{extra}{groups}
    sample_weight : array_like of shape (n,), optional
        Multiplicity s of each row, >= 0{group_weight}.
    ridge : float or array_like of shape (d,), default 0
        Penalty on the coefficients, >= 0; a scalar leaves the intercept free.
    penalty_weights : array_like of shape (n,), optional
        The papers' W: adds 1/2 ||diag(penalty_weights) A x||^2.
    offset : array_like of shape (n,), optional
        o, added to A x.
    fit_intercept : bool, default False
        Add a virtual column of ones; its coefficient comes last in x.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes do not fit, or an argument is NaN, infinite or out of its range.
"""

_GROUPS = """
    groups : array_like of shape (n,), optional
        Labels; the rows of each label have a normalisation of their own, and the loss is
        the sum over labels.  All rows are one group by default."""


def documented(target: str, *, grouped: bool = True, extra: str = "") -> Any:
    """Put the parameters that all problems share in place of {shared parameters} in a docstring."""

    def fill(cls: type) -> type:
        if cls.__doc__ is None:  # python -OO
            return cls
        shared = _SHARED.format(
            target=target,
            extra=extra,
            groups=_GROUPS if grouped else "",
            group_weight=";\n        with `groups` the weight of a whole group, equal in all its rows"
            if grouped
            else "",
        )
        # Python 3.13 takes the indentation out of docstrings by itself; here it is done for all.
        shared = textwrap.dedent(shared).strip()
        cls.__doc__ = inspect.cleandoc(cls.__doc__).replace("{shared parameters}", shared)
        return cls

    return fill
