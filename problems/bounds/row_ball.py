"""The ball over which a bound holds, as the rows see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_geometry import ABOVE, DesignRows, Rows, WorstRows
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.problem import Problem

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class RowBall:
    """All y = x + X z with ||z|| <= radius, through the linear predictions of the rows.

    Attributes
    ----------
    problem : Problem
        What is minimised.
    rows : Rows
        Its rows, seen in z.
    u : ndarray, shape (n,)
        The computed linear prediction at x; rows of weight 0 repeat one that counts.
    error : ndarray, shape (n,)
        How far it may be from the exact one.
    radius : float
        The radius of the ball.
    """

    problem: Problem
    rows: Rows
    u: FloatArray
    error: FloatArray
    radius: float

    @classmethod
    def about(cls, at: Evaluation, radius: float, transform: FloatArray | None) -> RowBall:
        """Return the ball about a point.

        A computed inner product of d numbers is off by at most d eps times the product of the norms.
        """
        problem = at.problem
        sizes = problem.design.row_norms * (float(np.linalg.norm(at.x)) * ABOVE)
        error = _EPS * ((problem.n_parameters + 4.0) * sizes + 2.0 * np.abs(at.u))
        return cls(
            problem, DesignRows.of(problem, transform), problem.shown(at.u), problem.shown(error), radius
        )

    @classmethod
    def worst(cls, problem: Problem, size: float, radius: float) -> RowBall:
        """Return the ball about 0 for rows of which only ||A|| <= size is known."""
        n = problem.design.shape[0]
        u = np.zeros(n) if problem.offset is None else problem.shown(problem.offset)
        return cls(problem, WorstRows(problem, size), u, np.zeros(n), radius)

    @cached_property
    def weights(self) -> FloatArray:
        """The multiplicity s of each row, shape (n,)."""
        s = self.problem.outer.row_weights
        return np.ones(len(self.u)) if s is None else s

    @cached_property
    def predictions(self) -> Interval:
        """The linear predictions over the ball: u_i, give or take radius * nu_i and rounding."""
        return Interval.around(self.u, (self.radius * self.rows.norms + self.error) * ABOVE)

    def spread(self, per_group: FloatArray) -> FloatArray:
        """Give every row what its group has."""
        return np.repeat(per_group, self.problem.outer.groups.counts)

    def spread_interval(self, per_group: Interval) -> Interval:
        """Give every row the interval of its group."""
        return Interval(self.spread(per_group.lo), self.spread(per_group.hi))

    def sums(self, values: Interval) -> Interval:
        """Return the sums over each group, with multiplicities."""
        return (values * self.weights).sums(self.problem.outer.groups.starts)

    def counted(self, values: FloatArray) -> FloatArray:
        """Return s * values >= 0; nothing where s is 0, even if the value is infinite."""
        product = self.weights * values
        return np.where(self.weights > 0.0, np.where(np.isnan(product), np.inf, product), 0.0)

    def functional(self, values: Interval, at_centre: FloatArray) -> FloatArray:
        """Return at least |sum_i s_i v_i omega_i| over each group, for v in its intervals.

        The sum at the centre of the ball keeps what cancels in it; the change over the ball is
        bounded row by row.
        """
        change = self.counted(values.reach_from(at_centre))
        at_x = np.where(self.weights > 0.0, self.weights * at_centre, 0.0)
        if not (np.isfinite(change).all() and np.isfinite(at_x).all()):
            return np.full(len(self.problem.outer.groups), np.inf)
        return self.rows.sums(at_x, change + 4.0 * _EPS * np.abs(at_x))
