"""A quadratic, a line and a model of it, with the two protocols of the solver written out by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from newtonkit.curvature import Step
from newtonkit.trust_region import Move, move

EPS = float(np.finfo(float).eps)


@dataclass
class Operator:
    """A dense symmetric matrix that counts how it is used."""

    matrix: np.ndarray

    def form(self) -> None:
        pass

    def to_dense(self) -> np.ndarray:
        return self.matrix

    def matmat(self, v: np.ndarray) -> np.ndarray:
        return self.matrix @ v

    def restricted(self, steps: np.ndarray, a_steps: np.ndarray) -> np.ndarray:
        return steps.T @ self.matrix @ steps

    def sizes(self, steps: np.ndarray, a_steps: np.ndarray) -> np.ndarray:
        return np.abs(self.matrix).max() * (steps * steps).sum(axis=0)


@dataclass
class Quadratic:
    """g.x + 1/2 x.H x with a step metric of one's own; it counts products with the design, which is I."""

    slope: np.ndarray
    matrix: np.ndarray
    norm: np.ndarray
    products: int = 0
    columns: list[int] = field(default_factory=list)

    @property
    def n_parameters(self) -> int:
        return len(self.slope)

    def evaluate(self, x: Any) -> "QuadraticPoint":
        return QuadraticPoint(self, np.asarray(x, dtype=float))

    def row_steps(self, steps: np.ndarray) -> np.ndarray:
        self.products += 1
        self.columns.append(steps.shape[1])
        return steps.copy()

    def origin(self) -> "QuadraticPoint":
        return self.evaluate(np.zeros(self.n_parameters))

    def step_metric(self, mass: float) -> Operator:
        return Operator(self.norm)

    def change(self, s: np.ndarray) -> float:
        """What a step from x = 0 changes the value by."""
        return float(self.slope @ s + 0.5 * s @ self.matrix @ s)

    def length(self, s: np.ndarray) -> float:
        return float(np.sqrt(s @ self.norm @ s))


@dataclass
class QuadraticPoint:
    """A quadratic at a point."""

    problem: Quadratic
    x: np.ndarray

    @property
    def u(self) -> np.ndarray:
        return self.x

    @property
    def value(self) -> float:
        return self.problem.change(self.x)

    @property
    def value_rounding(self) -> float:
        return EPS * abs(self.value)

    @property
    def gradient(self) -> np.ndarray:
        return self.problem.slope + self.problem.matrix @ self.x

    @property
    def u_rounding(self) -> float:
        return 0.0

    @property
    def gradient_passes(self) -> int:
        return 1

    @property
    def has_derivatives(self) -> bool:
        return True

    @property
    def gradient_scale(self) -> float:
        return float(np.linalg.norm(self.problem.slope) + np.linalg.norm(self.problem.matrix @ self.x))

    @property
    def gradient_rounding(self) -> np.ndarray:
        return EPS * np.abs(self.gradient)

    def slopes(self, steps: np.ndarray, a_steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = steps.T @ self.gradient
        return values, EPS * np.abs(values)

    @property
    def curvature_mass(self) -> float:
        return float(np.abs(np.diagonal(self.problem.matrix)).sum())

    @property
    def hessian(self) -> Operator:
        return Operator(self.problem.matrix)

    def along(self, step: np.ndarray, a_step: np.ndarray) -> "QuadraticPoint":
        return QuadraticPoint(self.problem, self.x + step)

    def refreshed(self) -> "QuadraticPoint":
        return self


@dataclass
class LinePoint:
    """A function of one variable t at a point; `domain` says where it is defined."""

    function: Any
    t: float = 0.0
    slope: Any = None
    noise: float = 0.0

    @property
    def u(self) -> np.ndarray:
        return np.array([self.t])

    @property
    def value(self) -> float:
        return float(self.function(self.t))

    @property
    def value_rounding(self) -> float:
        return self.noise / 16.0

    @property
    def gradient(self) -> np.ndarray:
        return np.array([self.slope(self.t)])

    def along(self, step: np.ndarray, a_step: np.ndarray) -> "LinePoint | None":
        assert step == a_step
        t = self.t + float(step[0])
        return None if np.isnan(self.function(t)) else LinePoint(self.function, t, self.slope, self.noise)


@dataclass
class LineModel:
    """slope t + 1/2 curvature t^2, its minimiser within each radius, and the radii it was asked for."""

    slope: float
    curvature: float
    asked: list[float] = field(default_factory=list)

    def step(self, radius: float) -> Step:
        self.asked.append(radius)
        newton = -self.slope / self.curvature if self.curvature > 0 else np.inf
        t = min(radius, newton)
        predicted = -(self.slope * t + 0.5 * self.curvature * t * t)
        where = np.array([t])
        return Step(where, where, predicted, t, bool(newton > radius), self.curvature < 0)

    def dual_norm(self, gradient: np.ndarray) -> float:
        return float(np.abs(gradient[0]))


def moved(
    function: Callable[[float], float],
    model: LineModel,
    radius: float,
    *,
    noise: float = 0.0,
    slope: Callable[[float], float] | None = None,
) -> Move:
    return move(LinePoint(function, 0.0, slope, noise), model, radius, lambda: False)


def bowl(t: float) -> float:
    """A quadratic with its minimum at 1: slope -2, curvature 2."""
    return t * t - 2.0 * t
