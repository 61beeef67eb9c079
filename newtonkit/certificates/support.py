"""What a certificate can be asked for: losses of which all rounding errors are known."""

from __future__ import annotations

from newtonkit.design import KroneckerDesign
from newtonkit.design.dense import DenseDesign
from newtonkit.design.intercept import InterceptDesign
from newtonkit.design.sparse import SparseDesign
from newtonkit.problems import Cosh, Exp, ExpPlusIdentity, Power, Problem, Sinh
from newtonkit.problems.bounds.third_derivatives import LOSSES

_ACTIVATIONS = (Exp, Cosh, Sinh, ExpPlusIdentity, Power)


def require_support(problem: object) -> None:
    """Raise TypeError unless `problem` is one of which something can be proved."""
    if not isinstance(problem, Problem):
        raise TypeError(f"certify needs a newtonkit problem, got {type(problem).__name__}")
    for part, known in ((problem.outer, LOSSES), (getattr(problem.outer, "activation", None), _ACTIVATIONS)):
        if part is not None and type(part) not in known:
            raise TypeError(
                "certify needs one of newtonkit's own losses and activations: the rounding errors of "
                f"{type(part).__name__} are not known"
            )
    design = problem.design.inner if isinstance(problem.design, InterceptDesign) else problem.design
    if not isinstance(design, DenseDesign | SparseDesign | KroneckerDesign):
        raise TypeError(
            f"certify needs an array, a sparse matrix or a Kronecker product, got {type(design).__name__}"
        )
