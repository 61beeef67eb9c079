"""What is minimised: outer functions with structured Hessians, and the regressions made of them."""

from newtonkit.problems.activations import Activation, Cosh, Exp, ExpPlusIdentity, Power, Sinh
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.check import DerivativeReport, check_derivatives
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.grouped import RescaledSquares
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.named_elementwise import CoshRegression, ExpRegression, SinhRegression
from newtonkit.problems.named_grouped import (
    EntropySoftmaxRegression,
    RescaledRegression,
    ResNetSoftmaxRegression,
    SoftmaxCrossEntropy,
    SoftmaxRegression,
)
from newtonkit.problems.normalised import NormalisedSquares
from newtonkit.problems.outer import OuterFunction, RowDerivatives
from newtonkit.problems.problem import Problem
from newtonkit.problems.proofs import CurvatureBounds
from newtonkit.problems.regressions import Regression
from newtonkit.problems.rows import Groups, RowBlock
from newtonkit.problems.rowwise import ElementwiseSquares, RowwiseLoss

__all__ = [
    "Activation",
    "Cosh",
    "CoshRegression",
    "CurvatureBounds",
    "DerivativeReport",
    "ElementwiseSquares",
    "EntropySoftmaxRegression",
    "Evaluation",
    "Exp",
    "ExpPlusIdentity",
    "ExpRegression",
    "Groups",
    "Interval",
    "NormalisedSquares",
    "OuterFunction",
    "Power",
    "Problem",
    "Regression",
    "ResNetSoftmaxRegression",
    "RescaledRegression",
    "RescaledSquares",
    "RowBlock",
    "RowDerivatives",
    "RowwiseLoss",
    "Sinh",
    "SinhRegression",
    "SoftmaxCrossEntropy",
    "SoftmaxLogLoss",
    "SoftmaxRegression",
    "StructuredHessian",
    "check_derivatives",
]
