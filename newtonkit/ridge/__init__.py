"""One problem under many ridges: paths of solutions, and the ridge that predicts best."""

from newtonkit.ridge.choice import RidgeChoice, choose_ridge
from newtonkit.ridge.path import path
from newtonkit.ridge.result import RidgePath

__all__ = ["RidgeChoice", "RidgePath", "choose_ridge", "path"]
