"""Ready-made problems on the real data that scikit-learn ships.

Each function loads its data when it is called, and needs no network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newtonkit.design import FloatArray
    from newtonkit.problems import ExpRegression, Problem, SoftmaxRegression

__all__ = [
    "PROBLEMS",
    "ReadyProblem",
    "breast_cancer_softmax",
    "diabetes_exp",
    "diabetes_softmax",
    "digits_softmax",
]

_DIGIT = 8


@dataclass(frozen=True)
class ReadyProblem:
    """A problem that can be loaded.

    Attributes
    ----------
    description : str
        What it is, in a line.
    load : callable
        Returns the problem.
    """

    description: str
    load: Callable[[], Problem]


def diabetes_exp() -> ExpRegression:
    """Return disease progression as an exp regression, 442 patients x 10 measurements.

    The progression after one year, divided by its mean, is modelled as exp(A x) with
    standardised features and an intercept: each measurement multiplies it by a factor.

    Returns
    -------
    ExpRegression
        d = 11, the intercept last.

    Examples
    --------
    >>> from newtonkit.datasets import diabetes_exp
    >>> diabetes_exp()
    ExpRegression(n=442, d=11, groups=1)
    """
    from newtonkit.problems import ExpRegression  # noqa: PLC0415

    features, progression = _diabetes()
    return ExpRegression(features, progression / progression.mean(), fit_intercept=True)


def diabetes_softmax() -> SoftmaxRegression:
    """Return shares of the total progression as a softmax regression, 442 patients x 10.

    One softmax over all patients is fitted to each one's share of the total disease
    progression, from standardised features.  Not convex.

    Returns
    -------
    SoftmaxRegression
        d = 10.

    Examples
    --------
    >>> from newtonkit.datasets import diabetes_softmax
    >>> diabetes_softmax()
    SoftmaxRegression(n=442, d=10, groups=1)
    """
    from newtonkit.problems import SoftmaxRegression  # noqa: PLC0415

    features, progression = _diabetes()
    return SoftmaxRegression(features, progression / progression.sum())


def digits_softmax() -> SoftmaxRegression:
    """Return an attention query that looks for the eights, 1797 images x 61 pixels.

    One softmax over all images is to spread its attention evenly over the images of the
    digit 8 and give none to others; x is the query, the standardised pixels are the keys
    (the 3 that never change are left out).  The ridge of 1e-6 keeps x finite.  Not convex.

    Returns
    -------
    SoftmaxRegression
        d = 61.

    Examples
    --------
    >>> from newtonkit.datasets import digits_softmax
    >>> digits_softmax()
    SoftmaxRegression(n=1797, d=61, groups=1)
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415

    pixels, digit = load_digits(return_X_y=True)
    return _attention(pixels, digit == _DIGIT)


def breast_cancer_softmax() -> SoftmaxRegression:
    """Return an attention query that looks for malignant tumours, 569 tumours x 30 measurements.

    One softmax over all tumours is to spread its attention evenly over the malignant ones
    and give none to the others; x is the query, the standardised measurements are the
    keys.  The ridge of 1e-6 keeps x finite.  Not convex.

    Returns
    -------
    SoftmaxRegression
        d = 30.

    Examples
    --------
    >>> from newtonkit.datasets import breast_cancer_softmax
    >>> breast_cancer_softmax()
    SoftmaxRegression(n=569, d=30, groups=1)
    """
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415

    measurements, benign = load_breast_cancer(return_X_y=True)
    return _attention(measurements, benign == 0)


def _diabetes() -> tuple[FloatArray, FloatArray]:
    from sklearn.datasets import load_diabetes  # noqa: PLC0415

    features, progression = load_diabetes(return_X_y=True)
    return _standardised(features), progression


def _attention(keys: FloatArray, wanted: FloatArray) -> SoftmaxRegression:
    from newtonkit.problems import SoftmaxRegression  # noqa: PLC0415

    return SoftmaxRegression(_standardised(keys), wanted / wanted.sum(), ridge=1e-6)


def _standardised(features: FloatArray) -> FloatArray:
    """Return columns of mean 0 and variance 1, without those that are constant."""
    spread = features.std(axis=0)
    varying = spread > 0.0
    standardised: FloatArray = (features - features.mean(axis=0))[:, varying] / spread[varying]
    return standardised


PROBLEMS: dict[str, dict[str, ReadyProblem]] = {
    "diabetes": {
        "exp": ReadyProblem("diabetes: exp regression of disease progression / its mean", diabetes_exp),
        "softmax": ReadyProblem("diabetes: softmax shares of the total progression", diabetes_softmax),
    },
    "digits": {
        "softmax": ReadyProblem("digits: softmax attention to the images of an eight", digits_softmax),
    },
    "breast-cancer": {
        "softmax": ReadyProblem(
            "breast cancer: softmax attention to the malignant tumours", breast_cancer_softmax
        ),
    },
}
"""The problems by name of the data, then by name of the problem; the first one is the default."""
