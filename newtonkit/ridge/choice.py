"""``choose_ridge``: the ridge that predicts best what it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray, IntArray
from newtonkit.methods import MethodName, checked_method
from newtonkit.minimizer import minimize
from newtonkit.options import checked_count, checked_generator, checked_number
from newtonkit.problems import Problem
from newtonkit.results import MinimizeResult, Status
from newtonkit.ridge.folds import folds_of, row_amounts
from newtonkit.ridge.path import checked_pattern, checked_ridges, path
from newtonkit.ridge.tables import number, page_table, text_table
from newtonkit.tables import Cell

Score = Callable[[Problem, FloatArray], float]

_HEADERS = (("ridge", 12), ("held-out loss", 14), ("std. error", 11), ("unsolved", 8), ("", 16))


@dataclass(frozen=True, eq=False)
class RidgeChoice:
    """What was held out and how well it was predicted, for several ridges.

    Print it for a table of 80 columns; a notebook shows the same.

    Attributes
    ----------
    ridges : ndarray, shape (m,)
        The ridges, as given.
    mean : ndarray, shape (m,)
        The mean held-out loss of each; NaN where a fold has none.
    std_error : ndarray, shape (m,)
        Its standard error, from the differences between folds.
    fold_losses : ndarray, shape (k, m)
        The mean held-out loss of each fold.
    unsolved : ndarray of int, shape (m,)
        In how many folds the solve did not succeed.
    best : float
        The ridge with the least mean.
    one_std_error : float
        The largest ridge whose mean is no more than one standard error above that.
    rule : {"best", "one_std_error"}
        Which of the two was taken.
    folds : ndarray of int, shape (n,)
        The fold of each row, in the caller's order.
    result : MinimizeResult
        The solution with the ridge taken, on all rows.
    passes : float
        Sweeps over all rows that the whole took, those over some of them in proportion.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> planted = nk.datasets.make_planted("exp", 300, 5, noise=0.5, rng=0)
    >>> choice = nk.choose_ridge(planted.problem, np.geomspace(1e3, 1e-2, 6), rng=0)
    >>> choice.ridge == choice.best, choice.one_std_error >= choice.best, choice.result.success
    (True, True, True)
    """

    ridges: FloatArray
    mean: FloatArray
    std_error: FloatArray
    fold_losses: FloatArray = field(repr=False)
    unsolved: IntArray
    best: float
    one_std_error: float
    rule: str
    folds: IntArray = field(repr=False)
    result: MinimizeResult = field(repr=False)
    passes: float

    @property
    def ridge(self) -> float:
        """The ridge taken."""
        return self.best if self.rule == "best" else self.one_std_error

    @property
    def _heading(self) -> str:
        k, m = self.fold_losses.shape
        return f"{m} ridges, {k} folds, {self.passes:.0f} passes; taken: {self.ridge:.4g}"

    def _rows(self) -> list[list[Cell]]:
        rows = []
        for ridge, mean, error, unsolved in zip(
            self.ridges.tolist(), self.mean.tolist(), self.std_error.tolist(), self.unsolved, strict=True
        ):
            marks = [name for name in ("best", "one std. error") if ridge == self._marked[name]]
            cells = [number(ridge, ".4g", "ridge"), number(mean, ".6g", "mean")]
            cells += [number(error, ".2g", "std_error"), Cell(str(unsolved or "-"), int(unsolved))]
            rows.append([*cells, Cell(", ".join(marks), numeric=False)])
        return rows

    @property
    def _marked(self) -> dict[str, float]:
        return {"best": self.best, "one std. error": self.one_std_error}

    def __str__(self) -> str:
        return text_table(self._heading, _HEADERS, self._rows(), ())

    def _repr_html_(self) -> str:
        return page_table(self._heading, _HEADERS, self._rows(), ())


def choose_ridge(
    problem: Problem,
    ridges: ArrayLike,
    *,
    folds: int | ArrayLike = 5,
    groups: ArrayLike | None = None,
    score: Score | None = None,
    rule: Literal["best", "one_std_error"] = "best",
    pattern: ArrayLike | None = None,
    method: MethodName = "auto",
    gtol: float = 1e-8,
    max_iter: int = 200,
    rng: int | np.random.Generator | None = None,
) -> RidgeChoice:
    """Choose a ridge by cross-validation, and solve with it on all rows.

    The rows are dealt into folds.  For each fold a path of all ridges is solved on the other
    rows, and the loss of its solutions on the fold is taken without penalties, divided by the
    number of rows held out, or of groups, counted by their `sample_weight`.

    Parameters
    ----------
    problem : Problem
        What is fitted: an elementwise problem, one with groups, or one's own with an outer
        function that says how to restrict it to some rows.
    ridges : array_like, shape (m,)
        The ridges, >= 0, in any order.
    folds : int, or array_like of int with shape (n,), default 5
        How many folds, or the fold of each row.
    groups : array_like of shape (n,), optional
        Labels of what is held out together, such as the person behind several choices.  The
        groups of the problem are always held out whole.
    score : callable, optional
        ``score(held_out, x)`` returns the mean loss of x on a problem of the rows held out;
        the less, the better.  By default the loss itself.
    rule : {"best", "one_std_error"}, default "best"
        Which ridge is taken: the one with the least mean held-out loss, or the largest within
        one standard error of it.
    pattern : array_like of shape (d,), optional
        See :func:`newtonkit.path`.
    method : {"auto", "exact", "sampled", "sketched"}, default "auto"
        See :func:`newtonkit.minimize`.
    gtol : float, default 1e-8
        Tolerance of each solve.
    max_iter : int, default 200
        Limit on iterations, of each solve.
    rng : int or numpy.random.Generator, optional
        Deals the folds, and draws samples.

    Returns
    -------
    RidgeChoice
        Means, standard errors, the choice and the solution.

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or the problem cannot be restricted to some rows.
    ValueError
        If an argument is out of range, no ridge has a finite held-out loss, or all rows are in
        one softmax or one sum: every prediction then depends on every row, so that there is
        nothing to hold out.

    Notes
    -----
    A loss is a sum over rows.  On the share q of the rows that a fold is fitted to, the ridge is
    multiplied by q, so that it weighs as much beside the mean loss as on all rows.
    With losses m_f of folds of weight w_f (sums to 1) and k folds, the mean is sum w_f m_f and its
    standard error sqrt(sum w_f (m_f - mean)^2 / (k - 1)).
    Where a solve did not succeed its solution counts as it is; ``unsolved`` says how many did not.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> rng = np.random.default_rng(0)
    >>> A, choice = rng.normal(size=(300, 4)), np.repeat(np.arange(100), 3)
    >>> utility = A @ [1.0, -1.0, 0.0, 0.0] + rng.gumbel(size=300)
    >>> b = (utility.reshape(-1, 3) == utility.reshape(-1, 3).max(axis=1)[:, None]).ravel()
    >>> problem = nk.SoftmaxCrossEntropy(A, b, groups=choice)
    >>> chosen = nk.choose_ridge(problem, [1e-3, 1.0, 1e3], rng=0)
    >>> chosen.best < 1e3, chosen.mean.shape, chosen.result.success
    (True, (3,), True)
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a newtonkit.problems.Problem, got {type(problem).__name__}")
    given, weights = checked_ridges(ridges), checked_pattern(pattern, problem)
    if rule not in ("best", "one_std_error"):
        raise ValueError(f"rule must be 'best' or 'one_std_error', got {rule!r}")
    if score is not None and not callable(score):
        raise TypeError(f"score must be callable, got {score!r}")
    checked_number(gtol, "gtol"), checked_count(max_iter, "max_iter", 0)
    checked_method(method, problem, None)
    generator = checked_generator(rng)
    parts = folds_of(problem, folds, groups, generator)
    seed = None if rng is None else int(generator.integers(2**63))
    options: dict[str, Any] = {"method": method, "gtol": gtol, "max_iter": max_iter, "rng": seed}
    losses, shares, unsolved, passes = _held_out(problem, given, weights, parts, score, options)
    mean, error = _summary(losses, shares)
    best, cautious = _chosen(given, mean, error)
    taken = best if rule == "best" else cautious
    result = minimize(problem.with_ridge(taken * weights), **options)
    numbers = np.empty(problem.design.shape[0], dtype=np.intp)
    for k, rows in enumerate(parts):
        numbers[rows] = k
    return RidgeChoice(
        ridges=given,
        mean=mean,
        std_error=error,
        fold_losses=losses,
        unsolved=unsolved,
        best=best,
        one_std_error=cautious,
        rule=rule,
        folds=numbers,
        result=result,
        passes=passes + result.passes,
    )


def _held_out(
    problem: Problem,
    ridges: FloatArray,
    pattern: FloatArray,
    parts: list[IntArray],
    score: Score | None,
    options: dict[str, Any],
) -> tuple[FloatArray, FloatArray, IntArray, float]:
    """Return the losses of each fold, their weights, unsolved solves for each ridge, and passes."""
    n, passes = problem.design.shape[0], 0.0
    losses = np.empty((len(parts), len(ridges)))
    unsolved = np.zeros(len(ridges), dtype=np.intp)
    amounts = row_amounts(problem)
    shares = np.array([amounts[rows].sum() for rows in parts]) / amounts.sum()
    if not ((shares > 0.0) & (shares < 1.0)).all():
        raise ValueError("folds must not leave nothing but weights of 0")
    for k, rows in enumerate(parts):
        others = np.ones(n, dtype=bool)
        others[rows] = False
        fitted, held = problem.subset(others), problem.subset(rows)
        found = path(fitted, ridges * (1.0 - shares[k]), pattern=pattern, **options)
        if any(result is None or result.status is Status.INTERRUPTED for result in found):
            raise KeyboardInterrupt
        measure = _mean_loss if score is None else score
        losses[k] = [float(measure(held, x)) for x in found.x]
        unsolved += [result is None or not result.success for result in found]
        passes += found.total_passes * (n - len(rows)) / n
    return losses, shares, unsolved, passes


def _mean_loss(held_out: Problem, x: FloatArray) -> float:
    return held_out.evaluate(x).loss / float(row_amounts(held_out).sum())


def _summary(losses: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard error for each ridge, NaN where a fold has no finite loss."""
    finite = np.isfinite(losses).all(axis=0)
    kept = np.where(finite, losses, np.nan)
    mean = shares @ kept
    error = np.sqrt(shares @ np.square(kept - mean) / (len(losses) - 1))
    return mean, error


def _chosen(ridges: FloatArray, mean: FloatArray, error: FloatArray) -> tuple[float, float]:
    """Return the best ridge, the larger one of equals, and the largest within a standard error."""
    if not np.isfinite(mean).any():
        raise ValueError("ridges must leave a finite loss on what is held out, but none does")
    least = float(np.nanmin(mean))
    best = int(max(np.flatnonzero(mean == least), key=lambda k: ridges[k]))
    near = mean <= least + error[best]
    return float(ridges[best]), float(ridges[near].max())
