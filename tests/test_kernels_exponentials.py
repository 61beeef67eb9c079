"""Exponentials and scaled activations, compiled and as plain Python, against extended precision."""

import mpmath
import numpy as np
import pytest

from newtonkit.problems import kernels
from newtonkit.problems.activations import Cosh, Exp, ExpPlusIdentity, Sinh
from tests.kernel_forms import EPS, FORMS, LONG, activation, activation_sizes, long, take_form

# Of the result: a half, and what the remainder of log 2 loses where it is larger than 1/4.
ULPS = 1.1
LOWEST, HIGHEST = -708.0, 709.782712893384
KINDS = (Exp, Cosh, Sinh, ExpPlusIdentity)
COUNTS = {"compiled": 400_000, "python": 2_000}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take_form(kernels, request.param, monkeypatch)
    return request.param


def exponentials(x: np.ndarray, shift: float = 0.0, sign: float = 1.0) -> np.ndarray:
    """Of a slice of a larger array, of which nothing else may change."""
    out, scratch = np.full((2, len(x) + 2), np.nan)
    kernels.exponentials(x, shift, sign, out[1:-1], scratch[1:-1])
    assert np.isnan([*out[[0, -1]], *scratch[[0, -1]]]).all()
    return out[1:-1]


def errors(found: np.ndarray, argument: np.ndarray) -> np.ndarray:
    """How many units in the last place the exponentials are off."""
    true = np.exp(argument.astype(LONG))
    return (np.abs(found - true) / np.spacing(true.astype(float)).astype(LONG)).astype(float)


def arguments(where: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    if where == "all":
        return rng.uniform(LOWEST, HIGHEST, count)
    if where == "around zero":
        return np.concatenate((rng.uniform(-1.0, 1.0, count), rng.normal(size=count) * 1e-9))
    halves = (rng.integers(-1020, 1023, count) + 0.5) * np.log(2.0)  # where k changes
    return halves + rng.choice([-1.0, 1.0], count) * 10.0 ** rng.uniform(-16.0, -1.0, count)


@pytest.mark.parametrize("where", ["all", "around zero", "half way"])
def test_exponentials_are_exact_to_about_a_unit(form: str, where: str) -> None:
    x = arguments(where, COUNTS[form])
    found = errors(exponentials(x), x)
    assert found.max() <= ULPS
    assert np.mean(found > 0.7) < 0.1


def test_exponentials_at_both_ends(form: str) -> None:
    x = np.array([LOWEST, np.nextafter(LOWEST, 0.0), HIGHEST, np.nextafter(HIGHEST, 0.0), 709.5, -707.9])
    found = exponentials(x)
    with mpmath.workdps(40):
        for one, argument in zip(found, x, strict=True):
            true = mpmath.exp(mpmath.mpf(float(argument)))
            assert abs(mpmath.mpf(float(one)) - true) <= ULPS * float(np.spacing(one))


@pytest.mark.parametrize("x", [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e-17, -1e-17])
def test_exponentials_of_almost_nothing_are_one(form: str, x: float) -> None:
    assert (exponentials(np.full(9, x)) == 1.0).all()


OUTSIDE = {
    "below": (0.0, [np.nextafter(LOWEST, -np.inf), -708.4, -709.0, -745.0, -746.0, -1e5, -1e308, -np.inf]),
    "above": (np.inf, [np.nextafter(HIGHEST, np.inf), 709.79, 709.9, 710.0, 1e5, 1e308, np.inf]),
    "NaN": (np.nan, [np.nan, -np.nan]),
}


@pytest.mark.parametrize("where", OUTSIDE)
def test_outside_of_the_range(form: str, where: str) -> None:
    wanted, x = OUTSIDE[where]
    with np.errstate(over="ignore" if form == "python" else "raise", invalid="raise", divide="raise"):
        every = np.concatenate((np.repeat(x, 9), [1.0]))
        found = exponentials(every)
    np.testing.assert_array_equal(found[:-1], wanted)
    assert found[-1] == pytest.approx(np.e, rel=EPS)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("shift", [0.0, 3.25, -600.5, 700.0, 1e6, np.inf, -np.inf, np.nan])
def test_the_argument_is_shifted_and_signed(form: str, shift: float, sign: float) -> None:
    x = np.array([0.0, 1.0 / 64, -7.5, 300.25, -300.5, 650.0, -650.0, 1e6, np.inf, -np.inf, np.nan])
    with np.errstate(all="ignore"):
        argument = sign * x - shift
        found, plain = exponentials(x, shift, sign), np.exp(argument)
    inside = (argument >= LOWEST) & (argument <= HIGHEST)
    assert (errors(found[inside], argument[inside]) <= ULPS).all()
    np.testing.assert_array_equal(found[~inside], np.where(argument < LOWEST, 0.0, plain)[~inside])


@pytest.mark.parametrize("n", range(0, 20))
def test_every_entry_is_the_same_alone_and_among_others(form: str, n: int) -> None:
    x = np.linspace(-20.0, 20.0, n)
    alone = [exponentials(x[i : i + 1])[0] for i in range(n)]
    np.testing.assert_array_equal(exponentials(x), alone)
    np.testing.assert_array_equal(exponentials(np.repeat(x, 2)[::2]), alone)


# Activations


def scaled(kind: int, u: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    f, first, second, scratch = np.full((4, len(u)), np.nan)
    kernels.scaled_activations(kind, u, scale, f, first, second, scratch)
    return f, first, second


@pytest.mark.parametrize("scale", [0.0, 2.5, -4.0, 300.25, 600.0])
@pytest.mark.parametrize("kind", range(4))
def test_activations_are_what_they_say_times_the_scale(form: str, kind: int, scale: float) -> None:
    u = np.concatenate((np.arange(-320, 321) / 64, np.arange(-100, 101) / 2.0))  # u - scale is exact
    sizes = activation_sizes(kind, u, scale)
    for found, wanted, size in zip(scaled(kind, u, scale), activation(kind, u, scale), sizes, strict=False):
        assert (np.abs(found - wanted) <= 3.0 * EPS * size).all()


@pytest.mark.parametrize("scale", [0.0, 1.5, -8.0, 250.0, 600.0])
@pytest.mark.parametrize("kind", [1, 2])
def test_nothing_cancels_in_sinh(form: str, kind: int, scale: float) -> None:
    sizes = np.concatenate((10.0 ** np.arange(-30, 0, 0.5), np.linspace(0.1, 1.1, 101)))
    edges = np.array([np.nextafter(1.0, 0.0), 1.0, np.nextafter(1.0, 2.0), 5e-324, 1e-310])
    u = np.concatenate((sizes, edges if scale == 0.0 else edges[:3]))
    u = np.concatenate((u, -u))
    odd = scaled(kind, u, scale)[kind == 1]
    true = np.sinh(u.astype(LONG)) * np.exp(LONG(-scale))
    near = 4.0 + (np.abs(u) >= 1.0) * abs(scale)  # from there on the rounding of u - scale counts
    assert (np.abs(odd - true) <= near * EPS * np.abs(true)).all()
    assert (np.sign(odd) == np.sign(u)).all()


@pytest.mark.parametrize("kind", [1, 2])
def test_sinh_of_zero_is_zero_and_of_its_sign(form: str, kind: int) -> None:
    odd = scaled(kind, np.array([0.0, -0.0]), 3.0)[kind == 1]
    assert (odd == 0.0).all()
    np.testing.assert_array_equal(np.signbit(odd), [False, True])


@pytest.mark.parametrize("scale", [0.0, 650.0])
@pytest.mark.parametrize("kind", range(4))
def test_infinities_and_nan_are_those_of_the_activation(form: str, kind: int, scale: float) -> None:
    u = np.array([np.inf, -np.inf, np.nan, 1500.0, -1500.0, 0.5, -0.5, 20.0, -20.0, 0.0])
    with np.errstate(all="ignore"):
        wanted = KINDS[kind]().scaled(u, np.full(1, scale))
        found = scaled(kind, u, scale)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("kind", range(4))
def test_the_largest_of_a_large_group_is_about_one(form: str, kind: int) -> None:
    u = np.array([1e4, 1e4 - 1.0, 9e3, -1e3])
    f, first, _ = scaled(kind, u, 1e4)
    top = 1.0 if kind in (0, 3) else 0.5
    for one in (f, first):
        expected = top * np.exp(long(u)[0] - 1e4).astype(float)
        np.testing.assert_allclose(one, expected, rtol=1e-15, atol=0.0)
