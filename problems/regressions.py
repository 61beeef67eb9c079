"""Problems with groups of rows, and the regressions: three structures times any activation."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray, as_design
from newtonkit.design.door import as_bounded_vector, as_vector, checked_weights
from newtonkit.problems.activations import Activation, as_activation
from newtonkit.problems.grouped import RescaledSquares
from newtonkit.problems.labels import sorted_by_group
from newtonkit.problems.normalised import NormalisedSquares
from newtonkit.problems.outer import OuterFunction
from newtonkit.problems.problem import Problem
from newtonkit.problems.rows import Groups
from newtonkit.problems.rowwise import ElementwiseSquares

Structure = Literal["elementwise", "rescaled", "normalised"]


class GroupedProblem(Problem):
    """A problem whose rows may come in groups, in any order.

    Rows that are not consecutive by group are gathered into a copy of A once;
    predictions come back in the caller's order.
    """

    def __init__(
        self,
        A: Any,
        b: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        penalty_weights: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        ridge: ArrayLike = 0.0,
        fit_intercept: bool = False,
    ) -> None:
        design = as_design(A)
        n = design.shape[0]
        vectors: dict[str, FloatArray | None] = {"b": as_bounded_vector(b, "b", n)}
        for name, given in (("penalty_weights", penalty_weights), ("offset", offset)):
            vectors[name] = None if given is None else as_bounded_vector(given, name, n)
        weights = None if sample_weight is None else checked_weights(sample_weight, n)
        self.row_order = None
        partition, group_weights = Groups.single(n), None
        if groups is not None:
            partition, self.row_order = sorted_by_group(groups, n)
            if self.row_order is not None:
                design = design.rows(self.row_order)
                order = self.row_order
                vectors = {name: None if v is None else v[order] for name, v in vectors.items()}
                weights = None if weights is None else weights[order]
            if weights is not None:
                group_weights, weights = _weights_of_groups(weights, partition), None
        target = vectors["b"]
        assert target is not None
        super().__init__(
            design,
            self._outer(target, partition, weights, group_weights),
            ridge=ridge,
            penalty_weights=vectors["penalty_weights"],
            offset=vectors["offset"],
            fit_intercept=fit_intercept,
        )

    def _outer(
        self,
        b: FloatArray,
        groups: Groups,
        row_weights: FloatArray | None,
        group_weights: FloatArray | None,
    ) -> OuterFunction:
        raise NotImplementedError

    def predict(
        self,
        x: ArrayLike,
        A: Any = None,
        *,
        offset: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> FloatArray:
        """Return what the model says of the target; see :meth:`Problem.predict`.

        Parameters
        ----------
        x : array_like, shape (d,)
            The coefficients.
        A : array_like, sparse or frame, shape (m, d), optional
            New rows; the problem's own rows and groups by default.
        offset : array_like of shape (m,), optional
            Offset of the new rows.
        groups : array_like of shape (m,), optional
            Labels of the groups of the new rows; one group by default.

        Returns
        -------
        ndarray, shape (m,)
        """
        if groups is None:
            own = super().predict(x, A, offset=offset)
            return own if A is not None else _in_order(own, self.row_order)
        if A is None:
            raise ValueError("groups belong to new rows: give A as well")
        design = self.design_of(A)
        partition, order = sorted_by_group(groups, design.shape[0])
        shift = None if offset is None else as_bounded_vector(offset, "offset", design.shape[0])
        if order is not None:
            design = design.rows(order)
            shift = None if shift is None else shift[order]
        u = design.product(as_vector(x, "x", self.n_parameters))
        return _in_order(self.predicted(u if shift is None else u + shift, partition), order)


def _in_order(values: FloatArray, order: Any) -> FloatArray:
    """Undo a permutation of rows."""
    if order is None:
        return values
    out = np.empty_like(values)
    out[order] = values
    return out


def _weights_of_groups(weights: FloatArray, groups: Groups) -> FloatArray:
    lowest = np.minimum.reduceat(weights, groups.starts)
    if (lowest != np.maximum.reduceat(weights, groups.starts)).any():
        raise ValueError("sample_weight must be constant within each of the groups")
    return lowest


class Regression(GroupedProblem):
    """Squared loss between a target and an activation of A x: any structure, any activation.

    With u = A x + offset and f the activation, the residual r of the objective
    1/2 <r, r> is

    ============  =====================================
    elementwise   r = f(u) - b
    rescaled      r = f(u) - <f(u), 1> b
    normalised    r = f(u) / <f(u), 1> - b
    ============  =====================================

    plus 1/2 ||diag(penalty_weights) A x||^2 + 1/2 <ridge * x, x>.  Gradient and Hessian:
    see :class:`~newtonkit.problems.ElementwiseSquares` and its two siblings.

    Parameters
    ----------
    A : array_like, sparse matrix or array, or data frame, shape (n, d)
        The design matrix.
    b : array_like, shape (n,)
        The target.
    structure : {"elementwise", "rescaled", "normalised"}
        How f enters the residual.
    activation : str or Activation
        f: "exp", "cosh", "sinh", "exp_plus_identity", or an object of one's own.
    groups : array_like of shape (n,), optional
        Labels; each group of rows has its own sum <f, 1> (not for "elementwise").
    sample_weight : array_like of shape (n,), optional
        Multiplicity of each row; with `groups`, the weight of the whole group, which has
        to be the same for all its rows.
    ridge : float or array_like of shape (d,), default 0
        Penalty on the coefficients; a scalar leaves the intercept free.
    penalty_weights : array_like of shape (n,), optional
        Penalty on the rows of A x.
    offset : array_like of shape (n,), optional
        Added to A x.
    fit_intercept : bool, default False
        Add a virtual column of ones; its coefficient comes last in x.
    entropy_weight : float, default 0
        Reward for the entropy of the prediction ("normalised" with "exp" only).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes do not fit, or an argument is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> A = np.random.default_rng(0).normal(size=(50, 3))
    >>> b = np.exp(A @ [0.1, -0.2, 0.3])
    >>> problem = nk.problems.Regression(A, b, structure="elementwise", activation="exp")
    >>> nk.minimize(problem).x.round(6)
    array([ 0.1, -0.2,  0.3])
    """

    def __init__(
        self,
        A: Any,
        b: ArrayLike,
        *,
        structure: Structure,
        activation: str | Activation,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        ridge: ArrayLike = 0.0,
        penalty_weights: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        fit_intercept: bool = False,
        entropy_weight: float = 0.0,
    ) -> None:
        if structure not in ("elementwise", "rescaled", "normalised"):
            raise ValueError(f"structure must be elementwise, rescaled or normalised, got {structure!r}")
        if structure == "elementwise" and groups is not None:
            raise ValueError("groups have no meaning for the elementwise structure")
        self.structure = structure
        self.activation = as_activation(activation)
        self.entropy_weight = float(as_bounded_vector([entropy_weight], "entropy_weight")[0])
        if self.entropy_weight < 0.0:
            raise ValueError(f"entropy_weight must be at least 0, got {entropy_weight}")
        if self.entropy_weight > 0.0 and (structure, self.activation.name) != ("normalised", "exp"):
            raise ValueError("entropy_weight needs structure='normalised' and activation='exp'")
        super().__init__(
            A,
            b,
            groups=groups,
            sample_weight=sample_weight,
            penalty_weights=penalty_weights,
            offset=offset,
            ridge=ridge,
            fit_intercept=fit_intercept,
        )

    def _outer(
        self,
        b: FloatArray,
        groups: Groups,
        row_weights: FloatArray | None,
        group_weights: FloatArray | None,
    ) -> OuterFunction:
        f = self.activation
        if self.structure == "elementwise":
            return ElementwiseSquares(b, f, row_weights)
        if self.structure == "rescaled":
            return RescaledSquares(b, f, groups, row_weights, group_weights)
        return NormalisedSquares(b, f, groups, row_weights, group_weights, self.entropy_weight)
