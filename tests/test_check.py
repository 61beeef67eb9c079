"""check_derivatives: what is right passes, and every kind of slip is found."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import (
    Activation,
    DerivativeReport,
    Exp,
    NormalisedSquares,
    Problem,
    Regression,
    RescaledSquares,
    RowDerivatives,
    RowwiseLoss,
    SoftmaxLogLoss,
    StructuredHessian,
)
from tests.family import Softplus

STRUCTURES = ["elementwise", "rescaled", "normalised"]


def data(n: int = 14, d: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    b = rng.random(n)
    return rng.standard_normal((n, d)), b / b.sum(), 0.5 * rng.standard_normal(d)


class Poisson(RowwiseLoss):
    def terms(self, u, b):
        mean = np.exp(u)
        return mean - b * u, mean - b, mean


class PoissonWithAWrongGradient(Poisson):
    def terms(self, u, b):
        loss, _, second = super().terms(u, b)
        return loss, np.exp(u) + b, second


class PoissonWithAWrongHessian(Poisson):
    def terms(self, u, b):
        loss, first, _ = super().terms(u, b)
        return loss, first, first


class PoissonWithAnotherValue(Poisson):
    """Its ``value`` and its ``terms`` do not speak of the same loss."""

    def value(self, totals):
        return 1.01 * super().value(totals)


class PoissonWithoutItsWeights(Poisson):
    def derivatives(self, u, block, totals):
        part = super().derivatives(u, block, totals)
        s = self.row_weights[block.rows]
        return RowDerivatives(part.gradient, part.diagonal / s, part.magnitude)


class PoissonOfNaN(Poisson):
    def terms(self, u, b):
        loss, first, second = super().terms(u, b)
        return loss, first, second + np.nan


class PoissonUponAHugeConstant(Poisson):
    def terms(self, u, b):
        loss, first, second = super().terms(u, b)
        return loss + 1e14, first, second


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_an_activation_of_ones_own(structure: str, container: Any) -> None:
    a, b, x = data()
    problem = Regression(container(a), b, structure=structure, activation=Softplus())
    report = nk.check_derivatives(problem, x, rng=0)
    assert report.ok, str(report)
    assert report.gradient_verdicts == report.hessian_verdicts == ("right",) * 5
    assert report.undecided == 0
    assert report.gradient_slope == pytest.approx(2.0, abs=0.02)
    assert report.hessian_slope == pytest.approx(3.0, abs=0.05)
    assert report.product_slope == pytest.approx(2.0, abs=0.02)


class SoftplusWithAWrongSlope(Softplus):
    def __call__(self, u):
        f, first, second = super().__call__(u)
        return f, 0.999 * first, second


class SoftplusWithASlightlyWrongSlope(Softplus):
    def __call__(self, u):
        f, first, second = super().__call__(u)
        return f, (1.0 + 1e-7) * first, second


class SoftplusWithAWrongCurvature(Softplus):
    def __call__(self, u):
        f, first, second = super().__call__(u)
        return f, first, -second


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_wrong_activation_is_found(structure: str) -> None:
    a, b, x = data()

    def report(activation: Activation) -> DerivativeReport:
        return nk.check_derivatives(Regression(a, b, structure=structure, activation=activation), x, rng=0)

    assert not report(SoftplusWithASlightlyWrongSlope()).gradient_ok
    slope, curvature = report(SoftplusWithAWrongSlope()), report(SoftplusWithAWrongCurvature())
    assert not slope.gradient_ok
    assert slope.gradient_slope == pytest.approx(1.0, abs=0.1)
    assert curvature.gradient_ok
    assert not curvature.hessian_ok
    assert curvature.hessian_slope == pytest.approx(2.0, abs=0.1)
    assert curvature.product_slope == pytest.approx(1.0, abs=0.1)


def poisson(kind: type[RowwiseLoss], **options: Any) -> tuple[Problem, np.ndarray]:
    a, _, x = data()
    counts = np.random.default_rng(1).poisson(2.0, len(a)).astype(float)
    weights = np.linspace(0.5, 3.0, len(a))
    return Problem(a, kind(counts, weights), ridge=0.1, **options), x


def test_a_loss_of_ones_own() -> None:
    problem, x = poisson(Poisson, offset=np.linspace(-1, 1, 14), fit_intercept=True)
    assert nk.check_derivatives(problem, np.append(x, 0.1), rng=0).ok


@pytest.mark.parametrize(
    ("kind", "gradient_ok", "hessian_ok"),
    [
        (PoissonWithAWrongGradient, False, True),
        (PoissonWithAWrongHessian, True, False),
        (PoissonWithAnotherValue, False, True),
        (PoissonWithoutItsWeights, True, False),
        (PoissonOfNaN, True, False),
    ],
)
def test_a_wrong_loss_is_found(kind: type[RowwiseLoss], gradient_ok: bool, hessian_ok: bool) -> None:
    report = nk.check_derivatives(*poisson(kind), rng=0)
    assert (report.gradient_ok, report.hessian_ok) == (gradient_ok, hessian_ok), str(report)
    assert not report.ok
    assert "WRONG" in str(report)


def slipped(kind: type, method: str, slip: Any) -> type:
    """A structure of the family with a slip in one of its methods."""

    def wrong(self, *given):
        return slip(getattr(super(changed, self), method)(*given))

    changed = type(f"Slipped{kind.__name__}", (kind,), {method: wrong})
    return changed


def part(name: str, column: int | None, factor: float) -> Any:
    """A slip: one part of the row derivatives, or one of its columns, times a factor."""

    def slip(rows: RowDerivatives) -> RowDerivatives:
        value = np.array(getattr(rows, name))
        value[... if column is None else (slice(None), column)] *= factor
        return RowDerivatives(**{**vars(rows), name: value})

    return slip


def corner(row: int, column: int) -> Any:
    """A slip: the sign of one entry of C."""

    def slip(cores: np.ndarray) -> np.ndarray:
        cores = cores.copy()
        cores[:, row, column] *= -1.0
        return cores

    return slip


SLIPS = {
    "D": ("derivatives", part("diagonal", None, -1.0)),
    "D by a thousandth": ("derivatives", part("diagonal", None, 1.001)),
    "first column of U": ("derivatives", part("low_rank", 0, -1.0)),
    "second column of U": ("derivatives", part("low_rank", 1, -1.0)),
    "no low rank at all": ("derivatives", part("low_rank", None, 0.0)),
    "C[0, 0]": ("cores", corner(0, 0)),
    "C[0, 1]": ("cores", corner(0, 1)),
    "C[1, 0]": ("cores", corner(1, 0)),
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("kind", [RescaledSquares, NormalisedSquares])
def test_a_slip_in_any_part_of_a_structured_hessian_is_found(kind: type, slip: str) -> None:
    a, b, x = data()
    right = nk.check_derivatives(Problem(a, kind(b, Exp())), x, rng=0)
    assert right.ok, str(right)
    method, change = SLIPS[slip]
    report = nk.check_derivatives(Problem(a, slipped(kind, method, change)(b, Exp())), x, rng=0)
    assert report.gradient_ok
    assert not report.hessian_ok, str(report)


@pytest.mark.parametrize("slip", [name for name in SLIPS if "column" not in name and "1" not in name])
def test_a_slip_in_cross_entropy_is_found(slip: str) -> None:
    a, b, x = data()
    method, change = SLIPS[slip]
    report = nk.check_derivatives(Problem(a, slipped(SoftmaxLogLoss, method, change)(b)), x, rng=0)
    assert report.gradient_ok
    assert not report.hessian_ok, str(report)


class DiagonalAlone(StructuredHessian):
    """Right on the diagonal, nothing beside it, in every form."""

    def matmat(self, v):
        return (np.diag(super().to_dense()) * v.T).T

    def to_dense(self):
        return np.diag(np.diag(super().to_dense()))

    def __array__(self, dtype=None, copy=None):
        return self.to_dense()


class OtherArray(StructuredHessian):
    """Its products are right, the array it turns into is not."""

    def __array__(self, dtype=None, copy=None):
        return 1.0001 * self.to_dense()


class OtherDiagonal(StructuredHessian):
    def diagonal(self):
        return super().diagonal() + 1e-3


class OtherBlockProduct(StructuredHessian):
    def matmat(self, v):
        return super().matmat(v) if v.ndim == 1 else 2.0 * super().matmat(v)


@pytest.mark.parametrize("kind", [DiagonalAlone, OtherArray, OtherDiagonal, OtherBlockProduct])
def test_a_hessian_that_is_not_the_same_in_all_its_forms_is_found(kind: type[StructuredHessian]) -> None:
    class Changed(nk.SoftmaxRegression):
        def hess(self, x):
            h = super().hess(x)
            return kind(h.design, h.blocks, h.row_diagonal, h.ridge, h.low_rank, h.cores)

    a, b, x = data()
    report = nk.check_derivatives(Changed(a, b), x, rng=0)
    assert (report.gradient_ok, report.hessian_ok) == (True, False)
    if kind is not DiagonalAlone:
        assert "DISAGREE" in str(report)


@pytest.mark.parametrize("method", ["fun", "jac", "hessp"])
def test_a_wrong_method_is_found(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, x = data()
    problem = nk.SoftmaxRegression(a, b)
    right = getattr(problem, method)
    monkeypatch.setattr(problem, method, lambda *given: 1.001 * right(*given))
    report = nk.check_derivatives(problem, x, rng=0)
    assert (report.gradient_ok, report.hessian_ok) == (method == "hessp", method != "hessp")


def test_rounding_is_told_from_right_and_wrong() -> None:
    report = nk.check_derivatives(*poisson(PoissonUponAHugeConstant), rng=0)
    assert report.gradient_verdicts == ("undecided",) * 5
    assert report.hessian_verdicts == ("right",) * 5  # the gradient does not see the constant
    assert (report.ok, report.undecided) == (False, 5)
    assert np.isnan(report.gradient_slope)
    assert "Gradient undecided in all directions" in str(report)
    assert "5 verdicts are undecided" in str(report)


def test_the_report_reads_as_sentences() -> None:
    problem, x = poisson(Poisson)
    text = str(nk.check_derivatives(problem, x, rng=0, directions=3))
    assert text.startswith("Gradient right in 3 of 3 directions: ")
    assert "falls like h^2.00 (expected h^2; h" in text
    assert "Hessian right in 3 of 3 directions" in text
    assert "agree" in text


def test_directions_follow_the_seed() -> None:
    problem, x = poisson(Poisson)
    first, again = (nk.check_derivatives(problem, x, rng=3, directions=2) for _ in range(2))
    generator = nk.check_derivatives(problem, x, rng=np.random.default_rng(3), directions=2)
    assert first == again == generator != nk.check_derivatives(problem, x, rng=4, directions=2)
    assert len(first.gradient_slopes) == 2
