"""Curvature models: what the solver believes the function does around a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from newtonkit.design import FloatArray
from newtonkit.objective import PointEvaluation


@dataclass(frozen=True)
class Step:
    """A step proposed by a curvature model.

    Attributes
    ----------
    s : ndarray, shape (d,)
        The step.
    a_s : ndarray, shape (n,)
        A s, so that the value there costs O(n).
    predicted : float
        Decrease predicted by the model, >= 0.
    norm : float
        Length in the norm of the model.
    on_boundary : bool
        Whether the trust radius held it back.
    negative_curvature : bool
        Whether the model has negative curvature here.
    """

    s: FloatArray
    a_s: FloatArray
    predicted: float
    norm: float
    on_boundary: bool
    negative_curvature: bool


class CurvatureModel(Protocol):
    """A quadratic model of the function around a point, with a norm of its own."""

    @property
    def smallest_curvature(self) -> float:
        """Least curvature relative to the largest, in the norm of the model."""
        ...

    @property
    def rows_sampled(self) -> int:
        """Rows of the data in the model."""
        ...

    @property
    def passes(self) -> int:
        """Sweeps over the data made so far for this model."""
        ...

    @property
    def inner_iterations(self) -> int:
        """Hessian products made so far by an inner solver; 0 where the model is factorised."""
        ...

    @property
    def note(self) -> str:
        """Anything out of the ordinary."""
        ...

    @property
    def is_convex(self) -> bool:
        """Whether no curvature is negative beyond rounding."""
        ...

    def flat_directions(self) -> tuple[FloatArray, FloatArray]:
        """Return steps S (d, c) of length 1 with no curvature beyond rounding, and the rows A S."""
        ...

    def dual_norm(self, gradient: FloatArray) -> float:
        """Return the norm of a gradient (d,) dual to the norm of steps."""
        ...

    def step(self, radius: float) -> Step:
        """Return the minimiser of the model within `radius`.

        After the first call, calls with a quarter, a sixteenth and a sixty-fourth of the
        length of its step cost no pass over the data.
        """
        ...


class ModelBuilder(Protocol):
    """Makes a curvature model for each point of a descent, and learns from how they did."""

    @property
    def passes(self) -> int:
        """Sweeps over the data made so far, those of the models apart."""
        ...

    @property
    def factorisations(self) -> int:
        """Matrices of d columns factorised so far."""
        ...

    def prepare(self, evaluation: PointEvaluation, ratio: float) -> None:
        """Do the work over the data that the model of a point needs, such as to form a Gram matrix.

        `ratio` is the actual over the predicted decrease of the step to the point, NaN if unknown.
        """
        ...

    def build(self, evaluation: PointEvaluation) -> CurvatureModel:
        """Return the model of the point prepared for."""
        ...

    def strengthen(self) -> bool:
        """Make the next model of the same point better; tell whether that can be done."""
        ...
