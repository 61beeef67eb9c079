"""scikit-learn estimators: the regressions and the choice model with ``fit`` and ``predict``.

They work in pipelines, grid searches and cross-validation, take arrays, frames, sparse matrices and
memory maps, and hold nothing of the data they were fitted to.
"""

from newtonkit.estimators.choice import ChoiceClassifier
from newtonkit.estimators.elementwise import CoshRegressor, ExpRegressor, SinhRegressor
from newtonkit.estimators.softmax import EntropySoftmaxRegressor, SoftmaxRegressor

__all__ = [
    "ChoiceClassifier",
    "CoshRegressor",
    "EntropySoftmaxRegressor",
    "ExpRegressor",
    "SinhRegressor",
    "SoftmaxRegressor",
]
