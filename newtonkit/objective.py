"""What the solver asks of a function: these protocols and nothing else."""

from __future__ import annotations

from typing import Protocol

from numpy.typing import ArrayLike

from newtonkit.design import FloatArray


class SymmetricOperator(Protocol):
    """A symmetric operator that can be written out as a dense array."""

    def form(self) -> None:
        """Do the work that its first use would have to do, such as to form a Gram matrix."""
        ...

    def to_dense(self) -> FloatArray:
        """Return the (d, d) array."""
        ...

    def matmat(self, v: FloatArray) -> FloatArray:
        """Return the operator times V, shape (d, c)."""
        ...

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """Return ``S.T @ H @ S`` accurately, given steps S (d, c) and the rows A S (n, c)."""
        ...

    def sizes(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """Return the size of ``s @ H @ s`` for each step if nothing cancelled in it."""
        ...


class PointEvaluation(Protocol):
    """A function evaluated at one point, so that value, gradient and Hessian share work."""

    @property
    def x(self) -> FloatArray:
        """The point."""
        ...

    @property
    def u(self) -> FloatArray:
        """The linear prediction (n,), whose natural unit is 1."""
        ...

    @property
    def value(self) -> float:
        """The value; infinite where there is none."""
        ...

    @property
    def loss_scale(self) -> float:
        """The size that the value would have if nothing cancelled in it, within a factor of 10."""
        ...

    @property
    def value_rounding(self) -> float:
        """How much of the value may be rounding."""
        ...

    @property
    def gradient(self) -> FloatArray:
        """The gradient (d,)."""
        ...

    @property
    def u_rounding(self) -> float:
        """How much of an entry of u may be rounding when it is computed from x; 0 where x is u."""
        ...

    @property
    def gradient_passes(self) -> int:
        """Sweeps over the data that the gradient takes: none where it comes with the value."""
        ...

    @property
    def has_derivatives(self) -> bool:
        """Whether the derivatives exist here, so that a step may end here."""
        ...

    @property
    def gradient_scale(self) -> float:
        """The size that the gradient would have if nothing cancelled in it."""
        ...

    @property
    def gradient_rounding(self) -> FloatArray:
        """How much of each entry of the gradient (d,) may be rounding."""
        ...

    def slopes(self, steps: FloatArray, a_steps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return ``S.T @ gradient`` from the rows A S, and how much of each may be rounding."""
        ...

    @property
    def curvature_mass(self) -> float:
        """How much curvature the function still has here, to tell a flat place by."""
        ...

    @property
    def hessian(self) -> SymmetricOperator:
        """The Hessian."""
        ...

    def along(self, step: FloatArray, a_step: FloatArray) -> PointEvaluation | None:
        """Return the evaluation at ``x + step`` in O(n), or None if the way there leaves the domain."""
        ...

    def refreshed(self) -> PointEvaluation:
        """Return the evaluation at the same point with nothing carried over from steps."""
        ...


class Function(Protocol):
    """What the solver needs of a function once it has a point of it."""

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return A S for steps S of shape (d, c)."""
        ...

    def origin(self) -> PointEvaluation:
        """Return an ordinary point for no pass over the data: x = 0, if the function exists there."""
        ...


class Measured(Protocol):
    """What the metric of steps is made from."""

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return A S for steps S of shape (d, c)."""
        ...

    def step_metric(self, mass: float) -> SymmetricOperator:
        """Return M >= 0, (d, d), with ||s||^2 = s @ M @ s the natural length of a step.

        `mass` is the curvature mass of an ordinary point, against which penalties are weighed.
        """
        ...


class Objective(Function, Measured, Protocol):
    """A function of d variables, linear in a design, that the solver can minimise from anywhere."""

    @property
    def n_parameters(self) -> int:
        """The number d of variables."""
        ...

    def evaluate(self, x: ArrayLike) -> PointEvaluation:
        """Return the function evaluated at x."""
        ...
