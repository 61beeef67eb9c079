"""``Inference``: covariance, standard errors, Wald table and information criteria at a minimum."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr, ndtri

from newtonkit.design import FloatArray
from newtonkit.options import checked_number
from newtonkit.statistics.names import checked_names
from newtonkit.statistics.rendering import as_html, as_text

Kind = Literal["classical", "sandwich", "clustered"]
KINDS = ("classical", "sandwich", "clustered")


@dataclass(frozen=True, eq=False, repr=False)
class Inference:
    """What :func:`newtonkit.inference` found: estimates with their uncertainty, and how well they fit.

    Print it for a table in 80 columns; a notebook shows it as HTML.

    Attributes
    ----------
    problem : str
        What was minimised.
    names : tuple of str
        A name for each coefficient.
    estimates : ndarray, shape (d,)
        The coefficients x.
    kind : {"classical", "sandwich", "clustered"}
        Which covariance the methods take when they are not told.
    information : str
        Which information matrices were inverted, in words.
    n_observations : float
        Observations n: rows, or choices, each as often as its weight says.
    n_clusters : int or None
        Clusters; None where none were given.
    degrees_of_freedom : float
        Coefficients that the data tells: the rank of the information matrix.  With a penalty,
        the trace of H^-1 F, with H the penalised information and F that of the data.
    dispersion : float
        Variance of the errors, sum of squared residuals / (n - degrees of freedom); 1 for choices.
    log_likelihood : float
        The log-likelihood at x and at that dispersion, without the penalty.
    maximised_log_likelihood : float
        The same at the dispersion that maximises it, sum of squared residuals / n.
    penalised : bool
        Whether there was a ridge or a penalty on rows.

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.datasets.diabetes_exp()
    >>> inferred = nk.inference(problem, nk.minimize(problem))
    >>> inferred.std_errors()[:3].round(4), inferred.std_errors(kind="sandwich")[:3].round(4)
    (array([0.0181, 0.0174, 0.0173]), array([0.0187, 0.0179, 0.0168]))
    >>> round(inferred.aic, 2), inferred.residual_degrees_of_freedom
    (344.81, 431.0)
    """

    problem: str
    names: tuple[str, ...]
    estimates: FloatArray
    kind: Kind
    information: str
    n_observations: float
    n_clusters: int | None
    degrees_of_freedom: float
    dispersion: float
    log_likelihood: float
    maximised_log_likelihood: float
    penalised: bool
    _covariances: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def residual_degrees_of_freedom(self) -> float:
        """Observations less degrees of freedom."""
        return self.n_observations - self.degrees_of_freedom

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 log-likelihood + 2 degrees of freedom; the dispersion is not counted."""
        return -2.0 * self.log_likelihood + 2.0 * self.degrees_of_freedom

    @property
    def bic(self) -> float:
        """Schwarz's criterion, -2 log-likelihood + log(n) degrees of freedom."""
        return -2.0 * self.log_likelihood + float(np.log(self.n_observations)) * self.degrees_of_freedom

    def covariance(self, kind: Kind | None = None) -> FloatArray:
        """Return the covariance matrix of the estimates.

        Parameters
        ----------
        kind : {"classical", "sandwich", "clustered"}, optional
            Which one; by default the one that was asked for.

        Returns
        -------
        ndarray, shape (d, d)
            NaN in the rows and columns of coefficients that the data does not determine.

        Raises
        ------
        TypeError
            If `kind` is not a string.
        ValueError
            If `kind` is unknown, or "clustered" where no clusters were given.
        """
        return self._of_kind(kind).copy()

    def std_errors(self, kind: Kind | None = None) -> FloatArray:
        """Return the standard error of each coefficient, the root of the diagonal of the covariance.

        Parameters
        ----------
        kind : {"classical", "sandwich", "clustered"}, optional
            Which one; by default the one that was asked for.

        Returns
        -------
        ndarray, shape (d,)

        Raises
        ------
        TypeError
            If `kind` is not a string.
        ValueError
            If `kind` is unknown, or "clustered" where no clusters were given.
        """
        return np.sqrt(np.diagonal(self._of_kind(kind)))

    def _of_kind(self, kind: Kind | None) -> FloatArray:
        return self._covariances[checked_kind(self.kind if kind is None else kind, self._covariances)]

    def wald_table(
        self, level: float = 0.95, names: Iterable[Any] | None = None, *, kind: Kind | None = None
    ) -> Any:
        """Return estimates, tests and confidence limits as a pandas frame.

        z is the estimate over its standard error; the p-value is that of a two-sided test
        against 0, and limits are estimate -+ quantile * standard error, both by the normal
        distribution.

        Parameters
        ----------
        level : float, default 0.95
            Confidence level, between 0 and 1.
        names : iterable of str, or data frame, optional
            Names of the coefficients, or the frame whose columns they are; the intercept may be
            left out.  By default those that the inference has.
        kind : {"classical", "sandwich", "clustered"}, optional
            Which standard errors; by default those that were asked for.

        Returns
        -------
        pandas.DataFrame
            A row for each coefficient, with the columns estimate, std_error, z, p_value, lower
            and upper.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed.
        TypeError
            If an argument is of the wrong type.
        ValueError
            If `level` is not between 0 and 1, the number of names does not fit, or there is no
            covariance of that kind.
        """
        columns = self._wald_columns(checked_level(level), kind)
        index = self.names if names is None else checked_names(names, len(self.names), self.names[-1])
        try:
            pandas = importlib.import_module("pandas")
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "wald_table needs pandas: pip install pandas", name=error.name
            ) from None
        return pandas.DataFrame(columns, index=list(index))

    def _wald_columns(self, level: float, kind: Kind | None = None) -> dict[str, FloatArray]:
        errors = self.std_errors(kind)
        with np.errstate(divide="ignore", invalid="ignore"):  # a standard error of 0
            z = self.estimates / errors
        reach = float(-ndtri(0.5 * (1.0 - level))) * errors
        return {
            "estimate": self.estimates,
            "std_error": errors,
            "z": z,
            "p_value": 2.0 * ndtr(-np.abs(z)),
            "lower": self.estimates - reach,
            "upper": self.estimates + reach,
        }

    def _notes(self) -> list[str]:
        """Return what is to be said beside the numbers."""
        notes = []
        if np.isnan(np.diagonal(self._of_kind(None))).any():
            notes.append("nan: the data does not determine this coefficient by itself.")
        if self.penalised:
            notes.append("Penalised: the bias of the estimates is in neither errors nor limits.")
        return notes

    def __repr__(self) -> str:
        return f"Inference({self.problem}, kind={self.kind!r})"

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def checked_kind(kind: Any, available: Iterable[str]) -> Kind:
    """Return a kind of covariance that is known and can be had."""
    if not isinstance(kind, str):
        raise TypeError(f"kind must be a string, got {kind!r}")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if kind not in available:
        raise ValueError("kind 'clustered' needs clusters: give inference their labels")
    return kind  # type: ignore[return-value]


def checked_level(level: Any) -> float:
    """Return a confidence level between 0 and 1."""
    number = checked_number(level, "level")
    if not 0.0 < number < 1.0:
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    return number
