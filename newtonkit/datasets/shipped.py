"""Problems on the real data that scikit-learn ships: diabetes, digits, breast cancer.

Each data set is there as an exp regression, as one softmax over all rows, and in groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newtonkit.design import FloatArray
    from newtonkit.problems import ExpRegression, SoftmaxCrossEntropy, SoftmaxRegression

__all__ = [
    "breast_cancer_exp",
    "breast_cancer_grouped",
    "breast_cancer_softmax",
    "diabetes_exp",
    "diabetes_grouped",
    "diabetes_softmax",
    "digits_exp",
    "digits_grouped",
    "digits_softmax",
]

_DIGIT = 8
_UPPER_HALF = 32
_BATCH = 100
_FIFTHS = 5
_MEANS_AND_ERRORS = 20


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


def diabetes_grouped() -> SoftmaxCrossEntropy:
    """Return disease progression within strata of sex and decade of age, 442 patients x 9.

    The cross-entropy of one softmax for each stratum: the Poisson regression of the
    progression (divided by its mean) in which every stratum has a level of its own, with
    these levels conditioned away.  It tells how the measurements act among patients of the
    same sex and about the same age.  Sex itself is constant in a stratum and left out; what
    is left of age within a decade stays.  Convex.

    Returns
    -------
    SoftmaxCrossEntropy
        d = 9, 13 strata.

    Examples
    --------
    >>> from newtonkit.datasets import diabetes_grouped
    >>> diabetes_grouped()
    SoftmaxCrossEntropy(n=442, d=9, groups=13)
    """
    from sklearn.datasets import load_diabetes  # noqa: PLC0415

    from newtonkit.problems import SoftmaxCrossEntropy  # noqa: PLC0415

    raw = load_diabetes(scaled=False).data
    strata = 10 * raw[:, 1] + raw[:, 0] // 10
    features, progression = _diabetes()
    without_sex = features[:, [0, *range(2, features.shape[1])]]
    return SoftmaxCrossEntropy(without_sex, progression / progression.mean(), groups=strata)


def digits_exp() -> ExpRegression:
    """Return the ink in the lower half of a digit from the pixels above, 1797 images x 31 pixels.

    The sum over the lower half of an 8 x 8 image, divided by its mean over all images, is
    modelled as exp(A x) with the standardised pixels of the upper half and an intercept:
    each pixel multiplies what is to be expected below (one pixel never changes).

    Returns
    -------
    ExpRegression
        d = 32, the intercept last.

    Examples
    --------
    >>> from newtonkit.datasets import digits_exp
    >>> digits_exp()
    ExpRegression(n=1797, d=32, groups=1)
    """
    from newtonkit.problems import ExpRegression  # noqa: PLC0415

    pixels, _ = _digits()
    ink = pixels[:, _UPPER_HALF:].sum(axis=1)
    return ExpRegression(_standardised(pixels[:, :_UPPER_HALF]), ink / ink.mean(), fit_intercept=True)


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
    pixels, digit = _digits()
    return _attention(pixels, digit == _DIGIT)


def digits_grouped() -> SoftmaxRegression:
    """Return an attention query that finds the eights in each of 18 batches of images, d = 61.

    The images are cut into batches of 100 consecutive ones (the last has 97), as a model
    would be shown them.  In each batch a softmax is to spread its attention evenly over the
    images of the digit 8; there are 7 to 12 of them.  One query serves all batches; the
    standardised pixels are the keys.  The ridge of 1e-4 keeps x finite.  Not convex.

    Returns
    -------
    SoftmaxRegression
        d = 61, 18 groups.

    Examples
    --------
    >>> from newtonkit.datasets import digits_grouped
    >>> digits_grouped()
    SoftmaxRegression(n=1797, d=61, groups=18)
    """
    import numpy as np  # noqa: PLC0415

    from newtonkit.problems import SoftmaxRegression  # noqa: PLC0415

    pixels, digit = _digits()
    batch = np.arange(len(digit)) // _BATCH
    wanted = (digit == _DIGIT).astype(float)
    even = wanted / np.bincount(batch, wanted)[batch]
    return SoftmaxRegression(_standardised(pixels), even, groups=batch, ridge=1e-4)


def breast_cancer_exp() -> ExpRegression:
    """Return the area of a tumour's largest nuclei from its averages, 569 tumours x 20.

    The mean area of the three largest cell nuclei ("worst area"), divided by its mean over
    all tumours, is modelled as exp(A x) with the standardised means and standard errors of
    the ten measurements and an intercept.

    Returns
    -------
    ExpRegression
        d = 21, the intercept last.

    Examples
    --------
    >>> from newtonkit.datasets import breast_cancer_exp
    >>> breast_cancer_exp()
    ExpRegression(n=569, d=21, groups=1)
    """
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415

    from newtonkit.problems import ExpRegression  # noqa: PLC0415

    data = load_breast_cancer()
    area = data.data[:, list(data.feature_names).index("worst area")]
    features = _standardised(data.data[:, :_MEANS_AND_ERRORS])
    return ExpRegression(features, area / area.mean(), fit_intercept=True)


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
    measurements, malignant = _breast_cancer()
    return _attention(measurements, malignant)


def breast_cancer_grouped() -> SoftmaxCrossEntropy:
    """Return which tumours are malignant among those of like size, 569 tumours x 30 measurements.

    A conditional logit in five strata, the fifths of the tumours by mean radius: size alone
    tells much, and the strata take it out as matching would.  The loss is minus the log of
    the conditional likelihood with ties as Breslow treats them; the standardised
    measurements separate some strata perfectly, and the ridge of 1 keeps x finite.  Convex.

    Returns
    -------
    SoftmaxCrossEntropy
        d = 30, 5 strata.

    Examples
    --------
    >>> from newtonkit.datasets import breast_cancer_grouped
    >>> breast_cancer_grouped()
    SoftmaxCrossEntropy(n=569, d=30, groups=5)
    """
    import numpy as np  # noqa: PLC0415

    from newtonkit.problems import SoftmaxCrossEntropy  # noqa: PLC0415

    measurements, malignant = _breast_cancer()
    rank = np.argsort(np.argsort(measurements[:, 0], kind="stable"), kind="stable")  # by mean radius
    fifth = rank * _FIFTHS // len(rank)
    return SoftmaxCrossEntropy(_standardised(measurements), malignant, groups=fifth, ridge=1.0)


def _diabetes() -> tuple[FloatArray, FloatArray]:
    from sklearn.datasets import load_diabetes  # noqa: PLC0415

    features, progression = load_diabetes(return_X_y=True)
    return _standardised(features), progression


def _digits() -> tuple[FloatArray, FloatArray]:
    from sklearn.datasets import load_digits  # noqa: PLC0415

    pixels, digit = load_digits(return_X_y=True)
    return pixels, digit


def _breast_cancer() -> tuple[FloatArray, FloatArray]:
    """Return the measurements and which tumours are malignant."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415

    measurements, benign = load_breast_cancer(return_X_y=True)
    return measurements, benign == 0


def _attention(keys: FloatArray, wanted: FloatArray) -> SoftmaxRegression:
    from newtonkit.problems import SoftmaxRegression  # noqa: PLC0415

    return SoftmaxRegression(_standardised(keys), wanted / wanted.sum(), ridge=1e-6)


def _standardised(features: FloatArray) -> FloatArray:
    """Return columns of mean 0 and variance 1, without those that are constant."""
    spread = features.std(axis=0)
    varying = spread > 0.0
    standardised: FloatArray = (features - features.mean(axis=0))[:, varying] / spread[varying]
    return standardised
