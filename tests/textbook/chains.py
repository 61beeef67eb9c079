"""Textbook problems of many variables that are sums over neighbours."""

import numpy as np

from tests.textbook.problem import Textbook, neighbours, squares
from tests.textbook.small import powell_singular, rosenbrock, wood


def _alternating(d):
    return (-1.2, 1.0) * (d // 2)


def _chained_rosenbrock(d, minima=(0.0,)):
    return Textbook(
        f"chained Rosenbrock {d}", _alternating(d), rosenbrock, neighbours(d, 2), minima, "Toint 1978"
    )


def _broyden_tridiagonal(before, x, after):
    return squares((3.0 - 2.0 * x) * x - before - 2.0 * after + 1.0)


def _discrete_boundary(t, step):
    def element(before, x, after):
        return squares(2.0 * x - before - after + 0.5 * step**2 * (x + t + 1.0) ** 3)

    return element


def _dixon_price(d):
    i = np.arange(2, d + 1)

    def element(x, y):
        return i * squares(2.0 * y**2 - x) + np.where(i == 2, 1.0, 0.0) * squares(x - 1.0)

    return element


def _zakharov(*x):
    slope = 0.5 * x[0]
    for i, part in enumerate(x[1:], 2):
        slope = slope + 0.5 * i * part
    return squares(*x, slope, slope**2)


def _engval(x, y):
    return (x**2 + y**2) ** 2 - 4.0 * x + 3.0


def _styblinski_tang(x):
    return 0.5 * (x**4 - 16.0 * x**2 + 5.0 * x)


CHAINS = (
    _chained_rosenbrock(10, (0.0, 3.9865791)),
    _chained_rosenbrock(100, (0.0, 3.9866238)),
    _chained_rosenbrock(1000, (0.0, 3.9866238)),
    Textbook(
        "extended Rosenbrock 100", _alternating(100), rosenbrock, neighbours(100, 2, 2), (0.0,), "MGH 21"
    ),
    Textbook(
        "chained singular 100",
        (3.0, -1.0, 0.0, 1.0) * 25,
        powell_singular,
        neighbours(100, 4, 2),
        (0.0,),
        "Conn, Gould and Toint 1988",
    ),
    Textbook(
        "extended Powell singular 60",
        (3.0, -1.0, 0.0, 1.0) * 15,
        powell_singular,
        neighbours(60, 4, 4),
        (0.0,),
        "MGH 22",
    ),
    Textbook(
        "chained Wood 80", (-3.0, -1.0, -3.0, -1.0) * 20, wood, neighbours(80, 4, 2), (0.0,), "Toint 1978"
    ),
    Textbook(
        "Broyden tridiagonal 60",
        (-1.0,) * 60,
        _broyden_tridiagonal,
        neighbours(60, 3),
        (0.0,),
        "MGH 30, ends free",
    ),
    Textbook(
        "discrete boundary value 40",
        tuple(float(t * (t - 1)) for t in np.linspace(0, 1, 40)),
        _discrete_boundary(np.linspace(0, 1, 40)[1:-1], 1 / 39),
        neighbours(40, 3),
        (0.0,),
        "MGH 28, ends free",
    ),
    Textbook(
        "Dixon and Price 20",
        (1.0,) * 20,
        _dixon_price(20),
        neighbours(20, 2),
        (0.0, 2 / 3),
        "Dixon and Price 1989",
    ),
    Textbook("Zakharov 10", (0.5,) * 10, _zakharov, neighbours(10, 10), (0.0,), "Zakharov 1975"),
    Textbook("Engval1 200", (2.0,) * 200, _engval, neighbours(200, 2), (220.0999786,), "Toint 1978"),
    Textbook(
        "Styblinski and Tang 30",
        (-1.0,) * 30,
        _styblinski_tang,
        neighbours(30, 1),
        (-1174.98497112571,),
        "Styblinski and Tang 1990",
    ),
)
