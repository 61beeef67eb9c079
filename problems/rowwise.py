"""Losses that are a sum over rows: one's own, and the elementwise squared loss."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray, IntArray
from newtonkit.design.door import as_bounded_vector, checked_weights
from newtonkit.problems.activations import Activation, Derivatives, sweep_number
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.outer import (
    OuterFunction,
    RowDerivatives,
    Totals,
    multiplied_weights,
    quiet,
    rounding_of_squares,
)
from newtonkit.problems.rows import Groups, RowBlock


class RowwiseLoss(OuterFunction):
    """A sum of one-row losses: l(u) = sum_i s_i * loss(u_i, b_i).

    The base for a loss of one's own; a subclass needs one method, ``terms``, and for proofs
    (:meth:`Problem.curvature_bounds`) ``ranges``.

    Parameters
    ----------
    b : array_like, shape (n,)
        The target.
    sample_weight : array_like of shape (n,), optional
        Multiplicity s of each row, >= 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an argument is not a finite vector, shapes do not fit, or a weight is negative.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> class PoissonLoss(nk.problems.RowwiseLoss):
    ...     def terms(self, u, b):
    ...         mean = np.exp(u)
    ...         return mean - b * u, mean - b, mean
    >>> A = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> problem = nk.problems.Problem(A, PoissonLoss([1.0, 2.0, 5.0]))
    >>> nk.minimize(problem).success
    True
    """

    is_sum_over_rows = True

    def __init__(self, b: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        self.target = as_bounded_vector(b, "b")
        self.row_weights = None if sample_weight is None else checked_weights(sample_weight, len(self.target))
        self.groups = Groups.single(len(self.target))

    @abstractmethod
    def terms(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return loss, first and second derivative in u, row by row, unweighted."""

    def ranges(self, u: Interval, b: FloatArray) -> tuple[Interval, Interval]:
        """Return what the second and third derivative of each row can be for u in intervals, unweighted.

        They are bounds that hold in spite of rounding, as the operations of `Interval` are.  For
        the Poisson loss above: ``mean = u.exp(); return mean, mean``.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no bounds of its derivatives: write ranges(u, b)"
        )

    def magnitudes(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the sizes of loss and first derivative of each row if nothing cancelled.

        The default compares each row with the same row at target 0, which is enough for a
        loss that is linear or quadratic in b.
        """
        loss, first, _ = self.terms(u, b)
        bare_loss, bare_first, _ = self.terms(u, np.zeros_like(b))
        sizes = ((loss, bare_loss), (first, bare_first))
        loss_size, first_size = (
            np.where(np.isfinite(bare), np.abs(bare) + np.abs(full - bare), np.abs(full))
            for full, bare in sizes
        )
        return loss_size, first_size

    def _weighted(self, values: FloatArray, block: RowBlock) -> FloatArray:
        return values if self.row_weights is None else values * self.row_weights[block.rows]

    def _weights(self, block: RowBlock) -> FloatArray:
        """Return the multiplicities of a block, a single 1 where there are none."""
        return np.ones(1) if self.row_weights is None else self.row_weights[block.rows]

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: the sums of the loss and of its size."""
        b = self.target[block.rows]
        loss = self._weighted(self.terms(u, b)[0], block)
        size = self._weighted(self.magnitudes(u, b)[0], block)
        return np.array([[loss.sum(), size.sum()]])

    def value(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.value`."""
        return float(totals[0][0, 0])

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        return float(totals[0][0, 1])

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        b = self.target[block.rows]
        _, first, second = self.terms(u, b)
        magnitude = self.magnitudes(u, b)[1]
        return RowDerivatives(
            self._weighted(first, block), self._weighted(second, block), self._weighted(magnitude, block)
        )


class ElementwiseSquares(RowwiseLoss):
    """l(u) = 1/2 <s r, r> with r = f(u) - b.

    l' = s f' r and D = s (f'^2 + f'' r); there is no low-rank part (arXiv:2303.15725).

    Parameters
    ----------
    b : ndarray, shape (n,)
        The target.
    activation : Activation
        f.
    sample_weight : ndarray of shape (n,), optional
        s.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import ElementwiseSquares, Exp, Problem
    >>> outer = ElementwiseSquares(np.array([1.0, 3.0]), Exp())
    >>> float(Problem([[0.0], [1.0]], outer).fun([0.0]))
    2.0
    """

    def __init__(
        self, b: FloatArray, activation: Activation, sample_weight: FloatArray | None = None
    ) -> None:
        super().__init__(b, sample_weight)
        self.activation = activation
        with quiet():
            weighted = self.target if self.row_weights is None else self.row_weights * self.target
            self._target_squares = 0.5 * float(np.dot(weighted, self.target))

    def terms(self, u: FloatArray, b: FloatArray) -> Derivatives:
        """Return the squared loss of each row and its derivatives."""
        f, first, second = self.activation(u)
        r = f - b
        return 0.5 * r * r, first * r, first * first + second * r

    def ranges(self, u: Interval, b: FloatArray) -> tuple[Interval, Interval]:
        """See :meth:`RowwiseLoss.ranges`: f'^2 + f'' r and 3 f' f'' + f''' r."""
        f, first, second, third = self.activation.ranges(u)
        r = f - b
        return first.square() + second * r, 3.0 * first * second + third * r

    def magnitudes(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the sizes of loss and first derivative if f and b had not cancelled."""
        f, first, _ = self.activation(u)
        size = np.abs(f) + np.abs(b)
        return 0.5 * size * size, np.abs(first) * size

    n_pulls = 1

    @property
    def sweep_kind(self) -> tuple[int, bool] | None:
        """See :attr:`OuterFunction.sweep_kind`."""
        number = sweep_number(self.activation)
        return None if number is None or type(self) is not ElementwiseSquares else (number, False)

    @property
    def sweep_data(self) -> tuple[FloatArray, FloatArray | None]:
        """See :attr:`OuterFunction.sweep_data`."""
        return self.target, self.row_weights

    def pull_columns(self, u: FloatArray, block: RowBlock) -> tuple[FloatArray, float]:
        """See :meth:`OuterFunction.pull_columns`: l' itself."""
        return self.derivatives(u, block, ()).gradient[None], 0.0

    def pull_factors(self, scales: FloatArray, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.pull_factors`."""
        return np.ones((1, len(scales), 1))

    def sampled(self, indices: IntArray, multiplicity: float) -> ElementwiseSquares | None:
        """See :meth:`OuterFunction.sampled`."""
        if type(self) is not ElementwiseSquares:  # one's own may hold more
            return None
        weights = multiplied_weights(self.row_weights, indices, multiplicity)
        return ElementwiseSquares(self.target[indices], self.activation, weights)

    def restricted(self, indices: IntArray, groups: Groups, kept: IntArray) -> ElementwiseSquares | None:
        """See :meth:`OuterFunction.restricted`."""
        if type(self) is not ElementwiseSquares:
            return None
        weights = None if self.row_weights is None else self.row_weights[indices]
        return ElementwiseSquares(self.target[indices], self.activation, weights)

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: the sum of the loss."""
        if block.compiled:
            return np.array([[0.5 * self._compiled_squares(u, block)]])
        r = self.activation.value(u) - self.target[block.rows]
        return np.array([[0.5 * np.dot(self._weighted(r, block), r)]])

    def _compiled_squares(self, u: FloatArray, block: RowBlock) -> float:
        from newtonkit.problems.kernels import (  # noqa: PLC0415  (Numba: only for large data)
            numbered_squares,
            residual_squares,
        )

        given, number = (self.target[block.rows], self._weights(block)), sweep_number(self.activation)
        if number is not None:
            return float(numbered_squares(number, u, *given))  # type: ignore[no-untyped-call]
        return float(residual_squares(self.activation.value(u), *given))  # type: ignore[no-untyped-call]

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        f, first, second = self.activation(u)
        b = self.target[block.rows]
        r = f - b
        return RowDerivatives(
            gradient=self._weighted(first * r, block),
            diagonal=self._weighted(first * first + second * r, block),
            magnitude=self._weighted(np.abs(first) * (np.abs(f) + np.abs(b)), block),
        )

    def write_derivatives(self, u: FloatArray, block: RowBlock, totals: Totals, out: RowDerivatives) -> None:
        """See :meth:`OuterFunction.write_derivatives`."""
        if not block.compiled:
            super().write_derivatives(u, block, totals, out)
            return
        from newtonkit.problems.kernels import (  # noqa: PLC0415  (Numba: only for large data)
            elementwise_rows,
            numbered_elementwise_rows,
        )

        rows, number = block.rows, sweep_number(self.activation)
        given = self.target[rows], self._weights(block)
        filled = out.gradient[rows], out.diagonal[rows], out.magnitude[rows]
        if number is not None:
            numbered_elementwise_rows(number, u, *given, *filled)  # type: ignore[no-untyped-call]
        else:
            elementwise_rows(*self.activation(u), *given, *filled)  # type: ignore[no-untyped-call]

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        return self.value(totals) + 4.0 * self._target_squares

    def rounding(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.rounding`."""
        return rounding_of_squares(self.value(totals), self._target_squares)

    def predict(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return f(u)."""
        return self.activation.value(u)
