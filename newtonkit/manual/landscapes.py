"""A picture for each problem: the model beside its data, and the loss with the way down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import RectBivariateSpline

import newtonkit as nk
from newtonkit.design import FloatArray
from newtonkit.problems import Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8a8a8a"
_ROWS = 40
# Points along a side at which the loss is computed, and every which of them has a Hessian too.
_POINTS, _APART = 37, 3


@dataclass(frozen=True)
class Landscape:
    """A problem with two coefficients.

    Attributes
    ----------
    make : callable
        Makes the problem from A, of shape (40, 2), and b.
    predicts : callable
        The prediction of the same problem at u = A x; the targets are this with noise.
    start : tuple of float
        Where the descent begins.
    reach : float
        How far the picture goes to each side of the middle of the way.
    """

    make: Callable[[FloatArray, FloatArray], Problem]
    predicts: Callable[[FloatArray], FloatArray]
    start: tuple[float, float] = (0.0, 0.0)
    reach: float = 1.6


def _softmax(u: FloatArray) -> FloatArray:
    e = np.exp(u - u.max())
    return np.asarray(e / e.sum())


def _share(f: Callable[[FloatArray], Any]) -> Callable[[FloatArray], FloatArray]:
    return lambda u: np.asarray(f(u) / f(u).sum())


def _with_residual(u: FloatArray) -> FloatArray:
    return np.asarray(np.exp(u) + u)


LANDSCAPES: dict[str, Landscape] = {
    "exp": Landscape(nk.ExpRegression, np.exp, (-1.0, 1.2)),
    "cosh": Landscape(nk.CoshRegression, np.cosh, (0.0, 0.0)),
    "sinh": Landscape(nk.SinhRegression, np.sinh, (-0.5, 1.0)),
    "rescaled": Landscape(
        lambda A, b: nk.RescaledRegression(A, b, activation="cosh", ridge=1e-3), _share(np.cosh), (0.3, 0.9)
    ),
    "softmax": Landscape(nk.SoftmaxRegression, _softmax, (-1.0, 1.0), 2.2),
    "resnet-softmax": Landscape(nk.ResNetSoftmaxRegression, _share(_with_residual), (0.0, 0.0), 1.2),
    "entropy-softmax": Landscape(
        lambda A, b: nk.EntropySoftmaxRegression(A, b, entropy_weight=0.02), _softmax, (-1.0, 1.0), 2.2
    ),
    "cross-entropy": Landscape(nk.SoftmaxCrossEntropy, _softmax, (-1.0, 1.2), 2.2),
}


def draw_landscape(figure: Figure, landscape: Landscape) -> None:
    """Draw predictions against u on the left, the loss in the plane of x on the right.

    Parameters
    ----------
    figure : Figure
        An empty figure.
    landscape : Landscape
        The problem.
    """
    rng = np.random.default_rng(5)
    A = rng.normal(size=(_ROWS, 2)) @ np.array([[1.0, 0.3], [0.0, 0.8]])
    clean = landscape.predicts(A @ np.array([0.9, -0.6]))
    b = clean * np.exp(0.15 * rng.normal(size=_ROWS))
    problem = landscape.make(A, b)
    way: list[FloatArray | None] = []
    result = nk.minimize(problem, np.array(landscape.start), callback=lambda record: way.append(record.x))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    _draw_model(left, A @ result.x, b, problem.predict(result.x))
    _draw_loss(right, problem, np.array([*way, result.x]), landscape.reach)


def _draw_model(axes: Axes, u: FloatArray, b: FloatArray, predicted: FloatArray) -> None:
    order = np.argsort(u)
    axes.plot(u, b, "o", color=GREY, markersize=4, label="target b", mfc="none")
    axes.plot(u[order], predicted[order], color=BLUE, label="predicted")
    axes.set(xlabel="u = A x at the minimum", title="The model")
    axes.legend()


def _draw_loss(axes: Axes, problem: Problem, way: FloatArray, reach: float) -> None:
    middle = 0.5 * (way.min(axis=0) + way.max(axis=0))
    reach = max(reach, 0.65 * float(np.ptp(way, axis=0).max()))
    sides = [np.linspace(m - reach, m + reach, _POINTS) for m in middle]
    values = np.array([[problem.fun([first, second]) for first in sides[0]] for second in sides[1]])
    coarse = [side[::_APART] for side in sides]
    least = np.array([[_curvature(problem, [first, second]) for first in coarse[0]] for second in coarse[1]])
    least = RectBivariateSpline(coarse[1], coarse[0], least)(sides[1], sides[0])
    floor = values.min()
    height = np.log10(values - floor + 1e-3 * (np.median(values) - floor))
    axes.contour(*sides, height, levels=14, colors=GREY, linewidths=0.7, linestyles="solid")
    axes.contourf(*sides, least, levels=[-np.inf, 0.0], colors=[ORANGE], alpha=0.25, hatches=["///"])
    axes.plot(*way.T, "o-", color=BLUE, markersize=4, linewidth=1.2)
    axes.plot(*way[-1], "*", color="black", markersize=12)
    axes.set(xlabel="x₁", ylabel="x₂", title="The loss, and the way down (★)")


def _curvature(problem: Problem, x: list[float]) -> float:
    """Return the least eigenvalue of the Hessian, two by two."""
    (a, b), (_, c) = np.asarray(problem.hess(x))
    return float(0.5 * (a + c) - np.hypot(0.5 * (a - c), b))
