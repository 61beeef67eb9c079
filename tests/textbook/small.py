"""Textbook problems of a few variables."""

import numpy as np

from tests.jets import Jet, arctan, cos, exp, sin
from tests.textbook.problem import Textbook, squares, whole


def rosenbrock(x, y):
    return squares(10.0 * (y - x**2), 1.0 - x)


def _freudenstein_roth(x, y):
    return squares(-13.0 + x + ((5.0 - y) * y - 2.0) * y, -29.0 + x + ((y + 1.0) * y - 14.0) * y)


def _powell_badly_scaled(x, y):
    return squares(1e4 * x * y - 1.0, exp(-x) + exp(-y) - 1.0001)


def _brown_badly_scaled(x, y):
    return squares(x - 1e6, y - 2e-6, x * y - 2.0)


def _beale(x, y):
    return squares(1.5 - x * (1.0 - y), 2.25 - x * (1.0 - y**2), 2.625 - x * (1.0 - y**3))


def _helical_valley(x, y, z):
    turn = arctan(y / x) / (2.0 * np.pi) + np.where(x.v < 0.0, 0.5, 0.0)
    radius = (x**2 + y**2) ** 0.5
    return squares(10.0 * (z - 10.0 * turn), 10.0 * (radius - 1.0), z)


def powell_singular(w, x, y, z):
    return squares(w + 10.0 * x, 5.0**0.5 * (y - z), (x - 2.0 * y) ** 2, 10.0**0.5 * (w - z) ** 2)


def wood(w, x, y, z):
    return squares(
        10.0 * (x - w**2),
        1.0 - w,
        90.0**0.5 * (z - y**2),
        1.0 - y,
        10.0**0.5 * (x + z - 2.0),
        10.0**-0.5 * (x - z),
    )


def _cube(x, y):
    return squares(10.0 * (y - x**3), 1.0 - x)


def _himmelblau(x, y):
    return squares(x**2 + y - 11.0, x + y**2 - 7.0)


def _three_hump_camel(x, y):
    return 2.0 * x**2 - 1.05 * x**4 + x**6 / 6.0 + x * y + y**2


def _six_hump_camel(x, y):
    return (4.0 - 2.1 * x**2 + x**4 / 3.0) * x**2 + x * y + (-4.0 + 4.0 * y**2) * y**2


def _mccormick(x, y):
    return sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1.0


def _jennrich_sampson(x, y):
    t = [float(i) for i in range(1, 11)]
    return squares(*(2.0 + 2.0 * i - exp(i * x) - exp(i * y) for i in t))


def _brown_dennis(w, x, y, z):
    total = None
    for i in range(1, 21):
        t = i / 5.0
        a, b = w + t * x - np.exp(t), y + np.sin(t) * z - np.cos(t)
        term = (a * a + b * b) ** 2
        total = term if total is None else total + term
    return total


def _penalty_one(*x: Jet) -> Jet:
    total = x[0] ** 2
    for part in x[1:]:
        total = total + part**2
    return squares(total - 0.25) + 1e-5 * squares(*(part - 1.0 for part in x))


def _penalty_two(*x: Jet) -> Jet:
    d, a = len(x), 1e-5**0.5
    mixed = (d * x[0] ** 2) - 1.0
    for j in range(1, d):
        mixed = mixed + (d - j) * x[j] ** 2
    y = [np.exp((i + 1) / 10.0) + np.exp(i / 10.0) for i in range(1, d)]
    rises = [a * (exp(x[i] / 10.0) + exp(x[i - 1] / 10.0) - y[i - 1]) for i in range(1, d)]
    others = [a * (exp(x[i] / 10.0) - np.exp(-0.1)) for i in range(1, d)]
    return squares(x[0] - 0.2, *rises, *others, mixed)


def _variably_dimensioned(*x: Jet) -> Jet:
    leaning = x[0] - 1.0
    for i, part in enumerate(x[1:], 2):
        leaning = leaning + i * (part - 1.0)
    return squares(*(part - 1.0 for part in x), leaning, leaning**2)


def _trigonometric(*x: Jet) -> Jet:
    d = len(x)
    cosines = [cos(part) for part in x]
    total = cosines[0]
    for part in cosines[1:]:
        total = total + part
    return squares(
        *(d - total + i * (1.0 - c) - sin(p) for i, (p, c) in enumerate(zip(x, cosines, strict=True), 1))
    )


def _brown_almost_linear(*x: Jet) -> Jet:
    d, total, product = len(x), x[0], x[0]
    for part in x[1:]:
        total, product = total + part, product * part
    return squares(*(part + total - (d + 1.0) for part in x[:-1]), product - 1.0)


def _watson(*x: Jet) -> Jet:
    residuals = [x[0], x[1] - x[0] ** 2 - 1.0]
    for i in range(1, 30):
        t = i / 29.0
        slope, value = x[1] * 1.0, x[0] * 1.0
        for j in range(1, len(x)):
            value = value + t**j * x[j]
            if j > 1:
                slope = slope + j * t ** (j - 1) * x[j]
        residuals.append(slope - value**2 - 1.0)
    return squares(*residuals)


def _chebyquad(*x: Jet) -> Jet:
    d = len(x)
    before = [Jet(np.ones_like(p.v), 0 * p.g, 0 * p.h) for p in x]
    now = [2.0 * p - 1.0 for p in x]
    residuals = []
    for i in range(1, d + 1):
        mean = now[0]
        for part in now[1:]:
            mean = mean + part
        integral = 0.0 if i % 2 else -1.0 / (i * i - 1.0)
        residuals.append(mean / d - integral)
        before, now = now, [2.0 * (2.0 * p - 1.0) * n - b for p, n, b in zip(x, now, before, strict=True)]
    return squares(*residuals)


def _problem(name, element, x0, minima, source):
    return Textbook(name, tuple(map(float, x0)), element, whole(len(x0)), minima, source)


_STARTS_10 = tuple((i + 1) / 11.0 for i in range(10))

SMALL = (
    _problem("Rosenbrock", rosenbrock, (-1.2, 1), (0.0,), "MGH 1"),
    _problem("Freudenstein and Roth", _freudenstein_roth, (0.5, -2), (0.0, 48.98425368), "MGH 2"),
    _problem("Powell badly scaled", _powell_badly_scaled, (0, 1), (0.0,), "MGH 3"),
    _problem("Brown badly scaled", _brown_badly_scaled, (1, 1), (0.0,), "MGH 4"),
    _problem("Beale", _beale, (1, 1), (0.0,), "MGH 5"),
    _problem("Jennrich and Sampson", _jennrich_sampson, (0.3, 0.4), (124.3621824,), "MGH 6"),
    _problem("helical valley", _helical_valley, (-1, 0, 0), (0.0,), "MGH 7"),
    _problem("Powell singular", powell_singular, (3, -1, 0, 1), (0.0,), "MGH 13"),
    _problem("Wood", wood, (-3, -1, -3, -1), (0.0,), "MGH 14"),
    _problem("Brown and Dennis", _brown_dennis, (25, 5, -5, -1), (85822.20163,), "MGH 16"),
    _problem("Watson 6", _watson, (0,) * 6, (2.287670054e-3,), "MGH 20"),
    _problem("Watson 9", _watson, (0,) * 9, (1.399760138e-6,), "MGH 20"),
    _problem("penalty I, 4", _penalty_one, (1, 2, 3, 4), (2.249977501e-5,), "MGH 23"),
    _problem("penalty I, 10", _penalty_one, range(1, 11), (7.087651467e-5,), "MGH 23"),
    _problem("penalty II, 4", _penalty_two, (0.5,) * 4, (9.376293282e-6,), "MGH 24"),
    _problem(
        "variably dimensioned", _variably_dimensioned, [1 - (i + 1) / 10 for i in range(10)], (0.0,), "MGH 25"
    ),
    _problem("trigonometric", _trigonometric, (0.1,) * 10, (0.0, 2.795056122e-05), "MGH 26"),
    _problem("Brown almost linear", _brown_almost_linear, (0.5,) * 10, (0.0, 1.0), "MGH 27"),
    _problem("Chebyquad 8", _chebyquad, [(i + 1) / 9 for i in range(8)], (3.516873726e-3,), "MGH 35"),
    _problem("Chebyquad 10", _chebyquad, _STARTS_10, (4.772713608e-3, 6.503954800e-3), "MGH 35"),
    _problem("cube", _cube, (-1.2, 1), (0.0,), "Leon 1966"),
    _problem("Himmelblau", _himmelblau, (0, 0), (0.0,), "Himmelblau 1972"),
    _problem("three-hump camel", _three_hump_camel, (2, 1), (0.0, 0.298638442), "Dixon and Szego 1978"),
    _problem(
        "six-hump camel",
        _six_hump_camel,
        (0.1, 0.1),
        (-1.031628453, -0.215463824, 2.104250310),
        "Dixon and Szego 1978",
    ),
    _problem(
        "McCormick", _mccormick, (0, 0), tuple(-1.913222955 - k * np.pi for k in range(5)), "McCormick 1976"
    ),
)
