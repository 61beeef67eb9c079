"""Row kernels for activations that have a number, against their definitions in extended precision."""

from typing import Any

import numpy as np
import pytest

from newtonkit.problems import kernels
from tests.kernel_forms import EPS, FORMS, LONG, activation, activation_sizes, long, take_form

FEW = kernels._FEW_ROWS
ROWS = (1, 7, FEW - 1, FEW, FEW + 1, 2 * FEW + 1)
WEIGHTS = ("ones", "one", "many")
KINDS = range(4)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take_form(kernels, request.param, monkeypatch)
    return request.param


def few(n: int, weights: str, constant: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u in multiples of 1/64, so that differences are exact; the target; and weights."""
    rng = np.random.default_rng(n)
    u, b = np.round(rng.normal(size=n) * 128) / 64 + constant, rng.normal(size=n)
    s = {"ones": np.ones(1), "one": np.array([1.75]), "many": rng.uniform(0.0, 3.0, n)}
    return u, b, s[weights]


def guarded(arrays: int, n: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Arrays of NaN within a larger one, whose edges must stay NaN."""
    whole = np.full((arrays, n + 2), np.nan)
    return whole, [row[1:-1] for row in whole]


def terms(kind: int, u: np.ndarray, b: np.ndarray, s: np.ndarray, scale: float = 0.0) -> Any:
    """f, f', f'', their sizes, b and s in extended precision."""
    B, S = long(b, np.broadcast_to(s, len(u)))
    return *activation(kind, u, scale), *activation_sizes(kind, u, scale), B, S


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_squares(form: str, kind: int, n: int, weights: str) -> None:
    u, b, s = few(n, weights)
    F, _, _, size, _, _, B, S = terms(kind, u, b, s)
    found = kernels.numbered_squares(kind, u, b, s)
    scale = float((S * np.square(size + np.abs(B))).sum())
    assert abs(found - float((S * np.square(F - B)).sum())) <= 16 * EPS * scale


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_elementwise_rows(form: str, kind: int, n: int, weights: str) -> None:
    u, b, s = few(n, weights)
    F, F1, F2, f, first, second, B, S = terms(kind, u, b, s)
    whole, out = guarded(3, n)
    assert kernels.numbered_elementwise_rows(kind, u, b, s, *out) is None
    r, size = F - B, f + np.abs(B)
    wanted = [S * F1 * r, S * (F1 * F1 + F2 * r), S * np.abs(F1) * (np.abs(F) + np.abs(B))]
    sizes = [S * first * size, S * (first * first + second * size), S * first * size]
    for found, one, each in zip(out, wanted, sizes, strict=True):
        assert (np.abs(found - one) <= 16 * EPS * each).all()
    assert np.isnan(whole[:, [0, -1]]).all()


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("constant", [0.0, 900.0, -900.0])
@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_scale_and_sum(form: str, kind: int, n: int, constant: float, weights: str) -> None:
    u, _, s = few(n, weights, constant)
    with np.errstate(over="ignore" if form == "python" else "raise"):  # of exp(-scale), which is not used
        scale, total = kernels.numbered_scale_and_sum(kind, u, s)
    assert scale == (u.max() if kind == 0 else max(u.max(), 0.0) if kind == 3 else np.abs(u).max())
    F, _, _, size, _, _, _, S = terms(kind, u, u, s, scale)
    wanted, rounding = (S * F).sum(), 16 * EPS * float((S * size).sum())
    assert abs(total - wanted) <= rounding
    assert np.isfinite(total)


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_without_rows_has_no_sum(form: str, kind: int) -> None:
    scale, total = kernels.numbered_scale_and_sum(kind, np.empty(0), np.ones(1))
    assert (scale, total) == (0.0 if kind == 3 else -np.inf, 0.0)
    assert kernels.numbered_squares(kind, np.empty(0), np.empty(0), np.ones(1)) == 0.0


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("constant", [0.0, 900.0])
@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_sums(form: str, kind: int, n: int, constant: float, weights: str) -> None:
    u, b, s = few(n, weights, constant)
    scale, a = float(np.abs(u).max()), 0.75 * n
    out = np.full(5, np.nan)
    kernels.numbered_sums(kind, u, b, s, np.array([scale, a, 9.0, 9.0]), out)
    F, _, _, size, _, _, B, S = terms(kind, u, b, s, scale)
    p, q, e = F / LONG(a), size / LONG(a), u.astype(LONG) - LONG(scale)
    wanted = [S * (p - B) ** 2, S * p * (p - B), S * p * p, S * np.abs(p) * np.abs(B), S * p * e]
    sizes = [S * (q + np.abs(B)) ** 2, S * q * (q + np.abs(B)), S * q * q, S * q * np.abs(B), S * q * abs(e)]
    for found, one, each in zip(out, wanted, sizes, strict=True):
        assert abs(found - one.sum()) <= 24 * EPS * float(each.sum())


def expected_rows(kind: int, given: Any, constants: np.ndarray, gamma: float) -> tuple[Any, Any]:
    """What ``numbered_rows`` should fill in, and how large it would be if nothing cancelled."""
    u, b, s = given
    scale, a, c, size, t, mean = constants.astype(LONG)
    F, F1, F2, f, first, second, B, S = terms(kind, u, b, s, float(scale))
    p, v, w, e = F / a, F1 / a, F2 / a, u.astype(LONG) - scale - mean
    pull, slope = gamma * S * p, S * v * (p - B - c) + gamma * S * p * e
    wanted = [
        t * slope,
        t * (S * (w * (p - B - c) + v * v) + pull * (1 + e)),
        t * (S * np.abs(v) * (np.abs(p) + np.abs(B) + size) + np.abs(pull * e)),
        S * v,
        S * v * p + slope,
    ]
    q, x, y, reach = f / a, first / a, second / a, f / a + np.abs(B) + np.abs(c) + size
    surprise = gamma * S * q * (1 + np.abs(u - scale) + np.abs(mean))
    sloped = S * x * reach + surprise
    curved = S * (y * reach + x * x) + surprise
    return wanted, [t * sloped, t * curved, t * sloped, S * x, S * x * q + sloped]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("gamma", "t"), [(0.0, 1.0), (0.0, 2.5), (0.7, 1.0), (0.7, 2.5)])
@pytest.mark.parametrize("constant", [0.0, 900.0])
@pytest.mark.parametrize("n", [1, FEW, FEW + 1, 2 * FEW + 1])
@pytest.mark.parametrize("kind", KINDS)
def test_rows(form: str, kind: int, n: int, constant: float, gamma: float, t: float, weights: str) -> None:
    given = few(n, weights, constant)
    constants = np.array([float(np.abs(given[0]).max()), 1.25, 0.3, 0.4, t, -0.5])
    whole, out = guarded(3, n)
    low_rank = np.full((n + 2, 2), np.nan, order="F")  # so that its columns are runs of memory
    columns = low_rank[1:-1].T
    kernels.numbered_rows(kind, *given, constants, gamma, *out, columns[0], columns[1])
    for found, one, each in zip([*out, *columns], *expected_rows(kind, given, constants, gamma), strict=True):
        assert (np.abs(found - one) <= 24 * EPS * each).all()
    assert np.isnan(whole[:, [0, -1]]).all() and np.isnan(low_rank[[0, -1]]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_sees_another(form: str, kind: int) -> None:
    """A single row of NaN, of weight 3 among those of weight 1, in the second tile."""
    n, k = 2 * FEW + 1, FEW + 3
    u, b, _ = few(n, "ones")
    s, plain = np.ones(n), np.empty((3, n))
    kernels.numbered_elementwise_rows(kind, u, b, np.ones(1), *plain)
    s[k], tripled = 3.0, np.empty((3, n))
    kernels.numbered_elementwise_rows(kind, u, b, s, *tripled)
    np.testing.assert_allclose(tripled[:, k], 3.0 * plain[:, k], rtol=1e-15)
    u[k], spoilt = np.nan, np.empty((3, n))
    kernels.numbered_elementwise_rows(kind, u, b, s, *spoilt)
    assert np.isnan(spoilt[:, k]).all()
    for each in (tripled, spoilt):
        np.testing.assert_array_equal(np.delete(each, k, axis=1), np.delete(plain, k, axis=1))


@pytest.mark.parametrize("kind", KINDS)
def test_sums_of_pieces_are_sums_of_the_whole(form: str, kind: int) -> None:
    u, b, s = few(2 * FEW + 1, "many")
    parts = [slice(0, 5), slice(5, FEW + 9), slice(FEW + 9, len(u))]
    squares = [kernels.numbered_squares(kind, u[k], b[k], s[k]) for k in parts]
    assert kernels.numbered_squares(kind, u, b, s) == pytest.approx(sum(squares), rel=1e-13)
    constants, outs = np.array([4.0, 2.0]), np.empty((4, 5))
    for k, out in zip([*parts, slice(None)], outs, strict=True):
        kernels.numbered_sums(kind, u[k], b[k], s[k], constants, out)
    np.testing.assert_allclose(outs[3], outs[:3].sum(axis=0), rtol=1e-12, atol=1e-12)


def test_a_large_constant_in_u_changes_no_bit(form: str) -> None:
    """Differences of u and the scale are exact, whatever else may be summed in another order."""
    u, b, s = few(FEW + 9, "many")
    found = []
    for constant in (0.0, 1e12):
        scale, total = kernels.numbered_scale_and_sum(0, u + constant, s)
        sums, out = np.empty(5), np.empty((5, len(u)))
        constants = np.array([scale, total, 0.1, 0.2, 1.0, 1 / 3])
        kernels.numbered_sums(0, u + constant, b, s, constants, sums)
        kernels.numbered_rows(0, u + constant, b, s, constants, 0.5, *out)
        found.append(np.concatenate(([scale - constant, total], sums, out.ravel())))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("u", [-20.0, -30.0, -36.0, -40.0])
def test_the_curvature_of_exp_plus_identity_keeps_its_digits(u: float) -> None:
    """f'' is exp(u), not (exp(u) + 1) - 1, which counts where the target is large."""
    b, out = np.array([np.exp(-1.1 * u) * 100.0]), np.empty((3, 1))
    kernels.numbered_elementwise_rows(3, np.array([u]), b, np.ones(1), *out)
    F, F1, F2 = (each[()] for each in activation(3, np.float64(u)))
    wanted, size = F1 * F1 + F2 * (F - b[0]), F1 * F1 + F2 * (abs(F) + b[0])
    assert abs(out[1, 0] - wanted) <= 16 * EPS * size
