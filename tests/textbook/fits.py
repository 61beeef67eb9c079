"""Fits by least squares: data of the NIST reference sets and of More, Garbow and Hillstrom."""

import numpy as np

from tests.jets import absolute, exp, log
from tests.textbook.problem import Textbook, fit, squares, whole

_MISRA_T = (77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0)
_MISRA_Y = (10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78)
_BOD_T, _BOD_Y = (1, 2, 3, 5, 7, 10), (109, 149, 149, 191, 213, 224)
_DANWOOD_T, _DANWOOD_Y = (
    (1.309, 1.471, 1.490, 1.565, 1.611, 1.680),
    (2.138, 3.421, 3.597, 4.340, 4.882, 5.660),
)
_RAT_T = (9, 14, 21, 28, 42, 57, 63, 70, 79)
_RAT_Y = (8.93, 10.80, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08)
_MEYER_Y = (
    34780,
    28610,
    23650,
    19630,
    16370,
    13720,
    11540,
    9744,
    8261,
    7030,
    6005,
    5147,
    4427,
    3820,
    3307,
    2872,
)
_BARD_Y = (0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39)
_KOWALIK_Y = (0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246)
_KOWALIK_T = (4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625)
_GAUSS_HALF = (0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989)
# fmt: off
_OSBORNE_Y = np.array([
    844, 908, 932, 936, 925, 908, 881, 850, 818, 784, 751, 718, 685, 658, 628, 603, 580,
    558, 538, 522, 506, 490, 478, 467, 457, 448, 438, 431, 424, 420, 414, 411, 406,
]) / 1000.0
# fmt: on

_TENTHS = np.arange(1, 11) / 10.0
_LANCZOS_T = np.arange(24) * 0.05
_LANCZOS_Y = (
    0.0951 * np.exp(-_LANCZOS_T) + 0.8607 * np.exp(-3 * _LANCZOS_T) + 1.5576 * np.exp(-5 * _LANCZOS_T)
)


def _bard():
    u = np.arange(1, 16, dtype=float)
    v = 16.0 - u
    w = np.minimum(u, v)
    y = np.array(_BARD_Y)
    return Textbook(
        "Bard",
        (1.0, 1.0, 1.0),
        lambda a, b, c: squares(y - (a + u / (v * b + w * c))),
        whole(3, 15),
        (8.214877307e-3, 17.42869333),
        "MGH 8",
    )


def _gulf(t, a, b, c):
    y = 25.0 + (-50.0 * np.log(t)) ** (2.0 / 3.0)
    return exp(-(exp(c * log(absolute(y - b))) / a))


def _biggs(t, *x):
    a, b, c, d, e, f = x
    return c * exp(-t * a) - d * exp(-t * b) + f * exp(-t * e)


_T13 = np.arange(1, 14) / 10.0
_GULF_T = np.arange(1, 100) / 100.0

FITS = (
    fit(
        "Misra1a, far start",
        lambda t, a, b: a * (1.0 - exp(-t * b)),
        _MISRA_T,
        _MISRA_Y,
        (500.0, 1e-4),
        (0.12455138894,),
        "NIST",
    ),
    fit(
        "Misra1a",
        lambda t, a, b: a * (1.0 - exp(-t * b)),
        _MISRA_T,
        _MISRA_Y,
        (250.0, 5e-4),
        (0.12455138894,),
        "NIST",
    ),
    fit(
        "Misra1b",
        lambda t, a, b: a * (1.0 - (1.0 + t * b / 2.0) ** -2),
        _MISRA_T,
        _MISRA_Y,
        (300.0, 2e-4),
        (0.075464681533,),
        "NIST",
    ),
    fit(
        "BoxBOD",
        lambda t, a, b: a * (1.0 - exp(-t * b)),
        _BOD_T,
        _BOD_Y,
        (100.0, 0.75),
        (1168.0088766,),
        "NIST",
    ),
    fit(
        "BoxBOD, far start",
        lambda t, a, b: a * (1.0 - exp(-t * b)),
        _BOD_T,
        _BOD_Y,
        (1.0, 1.0),
        (1168.0088766, 9771.5),
        "NIST",
    ),
    fit(
        "DanWood",
        lambda t, a, b: a * exp(np.log(t) * b),
        _DANWOOD_T,
        _DANWOOD_Y,
        (1.0, 5.0),
        (0.0043173084083,),
        "NIST",
    ),
    fit(
        "Rat42",
        lambda t, a, b, c: a / (1.0 + exp(b - t * c)),
        _RAT_T,
        _RAT_Y,
        (100.0, 1.0, 0.1),
        (8.0565229338,),
        "NIST",
    ),
    fit(
        "Meyer",
        lambda t, a, b, c: a * exp(b / (t + c)),
        45.0 + 5.0 * np.arange(1, 17),
        _MEYER_Y,
        (0.02, 4000.0, 250.0),
        (87.945855171,),
        "MGH 10, NIST MGH10",
    ),
    fit(
        "Gaussian",
        lambda t, a, b, c: a * exp(-(b * (t - c) ** 2) / 2.0),
        (8.0 - np.arange(1, 16)) / 2.0,
        (*_GAUSS_HALF, *_GAUSS_HALF[6::-1]),
        (0.4, 1.0, 0.0),
        (1.127932770e-8,),
        "MGH 9",
    ),
    fit("Gulf research", _gulf, _GULF_T, _GULF_T, (5.0, 2.5, 0.15), (0.0,), "MGH 11"),
    fit(
        "Box three-dimensional",
        lambda t, a, b, c: exp(-t * a) - exp(-t * b) - c * (np.exp(-t) - np.exp(-10.0 * t)),
        _TENTHS,
        0 * _TENTHS,
        (0.0, 10.0, 20.0),
        (0.0,),
        "MGH 12",
    ),
    fit(
        "Kowalik and Osborne",
        lambda t, a, b, c, d: a * (t**2 + t * b) / (t**2 + t * c + d),
        _KOWALIK_T,
        _KOWALIK_Y,
        (0.25, 0.39, 0.415, 0.39),
        (3.075056038e-4,),
        "MGH 15, NIST MGH09",
    ),
    fit(
        "Osborne 1",
        lambda t, a, b, c, d, e: a + b * exp(-t * d) + c * exp(-t * e),
        10.0 * np.arange(33),
        _OSBORNE_Y,
        (0.5, 1.5, -1.0, 0.01, 0.02),
        (5.464894697e-5,),
        "MGH 17, NIST MGH17",
    ),
    fit(
        "Biggs EXP6",
        _biggs,
        _T13,
        np.exp(-_T13) - 5.0 * np.exp(-10.0 * _T13) + 3.0 * np.exp(-4.0 * _T13),
        (1.0, 2.0, 1.0, 1.0, 1.0, 1.0),
        (0.0, 5.655649925e-3),
        "MGH 18",
    ),
    fit(
        "two exponentials",
        lambda t, a, b, c, d: a * exp(-t * b) + c * exp(-t * d),
        _LANCZOS_T,
        _LANCZOS_Y,
        (1.2, 0.3, 5.6, 5.5),
        (4.290620210e-06,),
        "after Lanczos, NIST",
    ),
    fit(
        "Lanczos",
        lambda t, a, b, c, d, e, f: a * exp(-t * b) + c * exp(-t * d) + e * exp(-t * f),
        _LANCZOS_T,
        _LANCZOS_Y,
        (0.5, 0.7, 3.6, 4.2, 4.0, 6.3),
        (0.0,),
        "NIST Lanczos1",
    ),
    _bard(),
)
