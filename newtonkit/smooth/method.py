"""``newton``: the solver as a method of ``scipy.optimize.minimize``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeWarning

from newtonkit.convergence import Reference
from newtonkit.descent import Descent
from newtonkit.design import FloatArray
from newtonkit.design.door import as_vector
from newtonkit.meter import Limits, Meter
from newtonkit.metric import size_of
from newtonkit.options import checked_callback, checked_count, checked_number
from newtonkit.progress import iteration_printer
from newtonkit.results import MinimizeResult, Status
from newtonkit.smooth.builder import SmoothBuilder
from newtonkit.smooth.callables import Callables, checked_callables
from newtonkit.smooth.criteria import SmoothCriteria
from newtonkit.smooth.function import SmoothFunction, SmoothPoint
from newtonkit.smooth.observer import Observer

_GTOL = 1e-5
_ITERATIONS_PER_VARIABLE = 200


def newton(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: tuple[Any, ...] = (),
    *,
    jac: Callable[..., Any] | None = None,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable[..., Any] | None = None,
    gtol: float | None = None,
    tol: float | None = None,
    maxiter: int | None = None,
    max_time: float | None = None,
    initial_trust_radius: float = 1.0,
    disp: bool = False,
    return_all: bool = False,
    **unknown_options: Any,
) -> MinimizeResult:
    """Minimise a smooth function; for ``scipy.optimize.minimize(..., method=newtonkit.newton)``.

    The solver is that of :func:`newtonkit.minimize`, a trust-region Newton method with the
    exact Hessian.  A Hessian is diagonalised once for each iterate, so that rejected steps
    cost no more than a value of the function each; one of d >= 100 whose variables can be
    ordered so that its bands are narrow is factorised by Cholesky in bands instead.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float``, the objective.
    x0 : array_like, shape (d,)
        The start.
    args : tuple, optional
        Extra arguments of fun, jac, hess and hessp; anything but a tuple is one argument.
    jac : callable
        ``jac(x, *args) -> (d,)``, the gradient.  Through ``scipy.optimize.minimize`` also
        True: fun returns value and gradient, each call of it serves for both, and njev
        counts the gradients used.
    hess : callable, optional
        ``hess(x, *args) -> (d, d)``, the Hessian: an array, a sparse array, a LinearOperator
        or anything with ``__array__``.
    hessp : callable, optional
        ``hessp(x, v, *args) -> (d,)``, its product with a vector, used if there is no hess.
        The Hessian is then put together from d products for each iterate.
    bounds, constraints : optional
        Not supported: anything but None or an empty sequence is refused.
    callback : callable, optional
        Called after each iteration, as ``callback(intermediate_result=r)`` with ``r.x`` and
        ``r.fun`` if its only parameter has that name, else as ``callback(x)``.  StopIteration
        raised in it ends the run with status 99.
    gtol : float, default 1e-5
        Tolerance on the Euclidean norm of the gradient.  A minimum must also have no
        negative curvature and a Newton step that leads nowhere, so that a small gradient
        alone is never taken for one.
    tol : float, optional
        The same, under the name that ``scipy.optimize.minimize`` passes; gtol goes first.
    maxiter : int, default 200 d
        Limit on iterations.
    max_time : float, optional
        Limit on seconds.
    initial_trust_radius : float, default 1.0
        Length of the first step to be tried, in the units of x; longer ones follow at once if
        it turns out well.
    disp : bool, default False
        Print a line for each iteration.
    return_all : bool, default False
        Keep the iterates, the start first, as ``allvecs``.
    **unknown_options
        Anything else warns.

    Returns
    -------
    MinimizeResult
        A ``scipy.optimize.OptimizeResult``: x, fun, jac, hess (d, d), nit, nfev, njev, nhev
        (calls of hess or of hessp), success, status, message; history with a record for each
        iteration, and allvecs if asked for.  hess is sparse if it came sparse and banded.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If jac or both of hess and hessp are missing or are not callable ("2-point", "cs"),
        if there are bounds or constraints, if an option is out of range, if a function
        returns a wrong shape, or if the value or a derivative is not finite at x0.

    Warns
    -----
    scipy.optimize.OptimizeWarning
        If there are options that it does not know.

    Notes
    -----
    A trial step after which fun, jac or hess raises an exception or is not finite is taken
    back, and a shorter one tried; what was raised is told in the message if the run ends
    without success.  Ctrl-C returns the best point so far.

    Status 0 is a minimum at tolerance and 1 one at which rounding allows no more; 2 to 6 are
    no success, see :class:`newtonkit.Status`, and 99 is a callback's StopIteration.  Success
    needs, besides the gradient, that the Newton step promises less than gtol / 100 of the
    decrease so far, and that the value does not fall further along, as at an inflection.

    References
    ----------
    A. R. Conn, N. I. M. Gould, Ph. L. Toint, Trust-Region Methods, SIAM 2000, chapters 6, 7.

    Examples
    --------
    >>> from scipy.optimize import minimize, rosen, rosen_der, rosen_hess
    >>> import newtonkit as nk
    >>> result = minimize(rosen, [-1.2, 1.0], jac=rosen_der, hess=rosen_hess, method=nk.newton)
    >>> result.success, result.x.round(6)
    (True, array([1., 1.]))
    """
    _refuse(bounds, "bounds")
    _refuse(constraints, "constraints")
    if gtol is None:
        gtol = _GTOL if tol is None else tol
    tolerance = checked_number(gtol, "gtol")
    start = as_vector(np.atleast_1d(np.asarray(x0)), "x0").copy()  # fun may use x0 for a buffer
    if len(start) == 0:
        raise ValueError("x0 must have at least one entry, got shape (0,)")
    functions = checked_callables(fun, jac, hess, hessp, args, len(start))
    iterations = (
        _ITERATIONS_PER_VARIABLE * len(start) if maxiter is None else checked_count(maxiter, "maxiter", 0)
    )
    seconds = math.inf if max_time is None else checked_number(max_time, "max_time", endless=True)
    radius = checked_number(initial_trust_radius, "initial_trust_radius", positive=True)
    observer = Observer(checked_callback(callback), return_all=_checked_switch(return_all, "return_all"))
    if unknown_options:
        names = ", ".join(unknown_options)
        warnings.warn(f"Unknown solver options: {names}", OptimizeWarning, stacklevel=2)
    meter = Meter()
    function = _started(functions, start)
    criteria = SmoothCriteria(tolerance, Reference(function, function.start), function.start.value)
    show = iteration_printer(observer, int(_checked_switch(disp, "disp")))
    limits = Limits(iterations, meter.started + seconds)
    builder = SmoothBuilder(function)
    descent = Descent(builder, criteria, limits, meter, show, function.start, radius)
    return _result(descent, descent.run(), functions, observer)


def _refuse(value: Any, name: str) -> None:
    if value is not None and not (isinstance(value, list | tuple | dict) and len(value) == 0):
        raise ValueError(f"{name} are not supported by newton: leave them out, or use another method")


def _checked_switch(value: Any, name: str) -> bool:
    """Return a boolean; SciPy's users also write 0 and 1."""
    if not isinstance(value, bool | int | np.bool_ | np.integer):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def _started(functions: Callables, x0: FloatArray) -> SmoothFunction:
    """Return the function evaluated at the start, with what it raises there."""
    function = SmoothFunction(functions, x0)
    for name, finite in (
        ("fun", np.isfinite(function.start.value)),
        ("jac", np.isfinite(function.start.gradient).all()),
        ("hess", function.start.hessian.is_finite),
    ):
        if not finite:
            raise ValueError(f"x0 is no start: {name} is not finite there")
    return function


def _result(descent: Descent, status: Status, functions: Callables, observer: Observer) -> MinimizeResult:
    point = descent.evaluation
    assert isinstance(point, SmoothPoint)
    norm = size_of(point.gradient)
    result = MinimizeResult()
    result.update(
        x=point.x.copy(),
        fun=point.value,
        jac=point.gradient.copy(),
        hess=point.hessian.matrix,
        success=status.success,
        status=status,
        message=_message(status, norm, descent.criteria.gtol, functions.trouble),
        nit=max(len(descent.history) - 1, 0),
        nfev=functions.nfev,
        njev=functions.njev,
        nhev=functions.nhev,
        seconds=descent.meter.seconds,
        history=tuple(descent.history),
    )
    if observer.iterates:
        result.update(allvecs=observer.iterates)
    return result


def _message(status: Status, norm: float, gtol: float, trouble: str) -> str:
    if status is Status.CONVERGED:
        return status.sentence
    figures = f"||grad|| = {norm:.1e}, gtol = {gtol:.1e}"
    if trouble and not status.success:
        figures += f"; in a trial step, {trouble}"
    sentence = status.sentence
    if status is Status.STALLED and norm <= gtol:  # which the sentence of the status denies
        sentence = "No step makes progress, though the Hessian shows no minimum here."
    elif status is Status.STALLED and not trouble:
        figures += "; values and gradients may not fit, see scipy.optimize.check_grad"
    return f"{sentence} ({figures}.)"
