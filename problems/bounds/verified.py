"""The Hessian at a point as it would be without rounding: bounds of its eigenvalues that hold.

The Hessian of the exact real function differs from what floating point makes of it by E with
|E| <= B entrywise: the diagonal D and the columns U are known within intervals, and a sum of k
products in any order is off by at most gamma_k = k u / (1 - k u) times the sum of their sizes,
u = eps / 2 (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1).  Sums over
rows are made by short pieces, so that k is about the square root of n.  With a transform X, an
approximate inverse of the Cholesky factor,

    ||X^T H X - I|| <= ||fl(X^T H~ X) - I|| + || |X|^T (gamma |H~| + B) |X| ||  =  e,

and e < 1 proves that H is positive definite, with eigenvalues above (1 - e) / ||X||^2
(Rump, Verification of positive definiteness, BIT 46, 2006, works likewise).  For a softmax all
this is done on centred rows, which leave the loss as it is: A - 1 m^T for any m, by groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from newtonkit.design import Design, FloatArray, KroneckerDesign, one_blas_thread
from newtonkit.design.intercept import InterceptDesign
from newtonkit.problems.bounds.row_curvature import RowCurvature, middle, row_curvature
from newtonkit.problems.outer import quiet

if TYPE_CHECKING:
    from newtonkit.problems.evaluation import Evaluation

MOST_DENSE = 4000
_EPS = float(np.finfo(float).eps)
_ABOVE = 1.0 + 1e-10
_TINY = 1e-300  # more than all underflows of a sum can lose
_PIECE_ENTRIES, _LEAST_PIECE, _MOST_PIECE = 2**19, 64, 4096


@dataclass(frozen=True)
class VerifiedHessian:
    """What is known for certain of the Hessian of the exact real function at a point.

    Attributes
    ----------
    lowest : float
        At most its smallest eigenvalue; -inf where nothing is known.
    highest : float
        At least its largest eigenvalue; inf where nothing is known.
    transform : ndarray of shape (d, d), or None
        X, upper triangular, with X^T H X near I; None where H is not known to be positive
        definite, or has too many columns to be formed.
    defect : float
        e >= ||X^T H X - I||, less than 1 where there is a transform; inf where there is none.
    """

    lowest: float
    highest: float
    transform: FloatArray | None = field(default=None, repr=False)
    defect: float = np.inf


def verified_hessian(evaluation: Evaluation) -> VerifiedHessian:
    """Return bounds of the eigenvalues of the exact Hessian at a point, and a transform to I.

    With more than 4000 columns nothing of size d x d is formed: the lowest eigenvalue is then known
    from the ridge alone, and only where no row has negative curvature.
    """
    problem = evaluation.problem
    with quiet(), one_blas_thread():
        rows = row_curvature(evaluation)
        if problem.n_parameters > MOST_DENSE:
            return _from_rows_alone(evaluation, rows)
        dense, error = enclosed_hessian(evaluation, rows)
        if not (np.isfinite(dense).all() and np.isfinite(error).all()):
            return VerifiedHessian(-np.inf, np.inf)
        return _judged(dense, error)


def _judged(dense: FloatArray, error: FloatArray) -> VerifiedHessian:
    """Return what follows for H from |H - H~| <= B."""
    d = len(dense)
    slack = length(error) + 4.0 * d * _EPS * length(dense)
    values = np.linalg.eigvalsh(dense)
    lowest, highest = float(values[0]) - slack, float(values[-1]) + slack
    transform = _approximate_inverse_factor(dense)
    if transform is None:
        return VerifiedHessian(lowest, highest)
    defect = _defect(dense, error, transform)
    if not defect < 1.0:
        return VerifiedHessian(lowest, highest)
    above = (1.0 - defect) / (spectral_norm(transform) ** 2 * _ABOVE)
    return VerifiedHessian(max(lowest, above), highest, transform, defect)


def length(values: FloatArray) -> float:
    """Return an upper bound of the Euclidean norm of all entries, of whatever size; inf if one is unknown."""
    top = float(np.abs(values).max(initial=0.0))
    if not 0.0 < top < np.inf:
        return 0.0 if top == 0.0 else np.inf
    return top * float(np.linalg.norm(values / top)) * _ABOVE


def spectral_norm(matrix: FloatArray) -> float:
    """Return an upper bound of the largest singular value of a matrix."""
    rounding = 8.0 * max(matrix.shape) * _EPS * length(matrix)
    return float(float(np.linalg.norm(matrix, 2)) + rounding)


def _approximate_inverse_factor(dense: FloatArray) -> FloatArray | None:
    """Return X, upper triangular, with X^T H~ X about I; None if H~ is not positive definite."""
    import scipy.linalg  # noqa: PLC0415  (not for every problem)

    diagonal = np.diagonal(dense)
    if not (diagonal > 0.0).all():
        return None
    scale = 1.0 / np.sqrt(diagonal)
    if not np.isfinite(scale).all():
        return None
    try:
        factor = scipy.linalg.cholesky(scale[:, None] * dense * scale, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    inverse = scipy.linalg.solve_triangular(factor, np.eye(len(dense)), check_finite=False)
    transform: FloatArray = scale[:, None] * inverse
    return transform if np.isfinite(transform).all() else None


def _defect(dense: FloatArray, error: FloatArray, transform: FloatArray) -> float:
    """Return e >= ||X^T H X - I|| for all H with |H - H~| <= B."""
    d = len(dense)
    computed = transform.T @ (dense @ transform) - np.eye(d)
    size = np.abs(transform)
    unsure = error + (2.0 * d + 8.0) * _EPS * np.abs(dense)
    rounding = size.T @ (unsure @ size)
    rounding[np.diag_indices(d)] += 2.0 * _EPS
    return _norm_bound(np.abs(computed) + rounding)


def _norm_bound(matrix: FloatArray) -> float:
    """Return an upper bound of the spectral norm of all matrices with entries within that size."""
    sums = float(np.sqrt(matrix.sum(axis=0).max()) * np.sqrt(matrix.sum(axis=1).max()))
    return min(length(matrix), sums * _ABOVE)


def _from_rows_alone(evaluation: Evaluation, rows: RowCurvature) -> VerifiedHessian:
    """Return the little that is known without a Gram matrix."""
    problem = evaluation.problem
    norms = problem.design.row_norms * _ABOVE
    ridge = problem.ridge
    if not rows.is_positive:
        return VerifiedHessian(-np.inf, np.inf)
    # Taken on rows less their mean or not, diag(D) has no more than its trace.
    weights = rows.diagonal.hi if problem.row_penalty is None else rows.diagonal.hi + problem.row_penalty
    highest = float(weights @ norms**2) + float(ridge.max(initial=0.0))
    return VerifiedHessian(float(ridge.min()), highest * _ABOVE)


def enclosed_hessian(evaluation: Evaluation, rows: RowCurvature) -> tuple[FloatArray, FloatArray]:
    """Return H~ and B with |H - H~| <= B entrywise, both symmetric, shape (d, d)."""
    problem = evaluation.problem
    diagonal, unsure = middle(rows.diagonal)
    penalty, centres = problem.row_penalty, None
    is_centred = rows.is_centring and _keeps_rows(problem.design)
    if is_centred:
        centres = _pulled(evaluation, *middle(rows.column_intervals), None)[0][:, 0]
    elif penalty is not None:
        diagonal = diagonal + penalty
        unsure = unsure + _EPS * np.abs(diagonal)
    dense, error = _gram(evaluation, diagonal, unsure, centres)
    if rows.low_rank:
        pulled = _pulled(evaluation, *middle(rows.column_intervals), centres)
        more, doubt = _low_rank_part(*pulled, *middle(rows.core_intervals))
        dense, error = _added(dense, error, more, doubt)
    if is_centred and penalty is not None:
        more, doubt = _gram(evaluation, penalty, np.zeros_like(penalty), None)
        dense, error = _added(dense, error, more, doubt)
    dense, error = _added(dense, error, np.diag(problem.ridge), 0.0)
    return 0.5 * (dense + dense.T), np.maximum(error, error.T)


def _keeps_rows(design: Design) -> bool:
    """Tell whether rows are kept as they are: rounding is then relative to what a centre leaves of them."""
    inner = design.inner if isinstance(design, InterceptDesign) else design
    return not isinstance(inner, KroneckerDesign)


def _added(
    dense: FloatArray, error: FloatArray, more: FloatArray, doubt: FloatArray | float
) -> tuple[FloatArray, FloatArray]:
    """Return the sum of two matrices, each known within an error."""
    rounding = 4.0 * _EPS * (np.abs(dense) + np.abs(more))
    return dense + more, (error + doubt + rounding) * _ABOVE


def _low_rank_part(
    pulled: FloatArray, pulled_error: FloatArray, cores: FloatArray, cores_error: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the sum over groups of W^T C W with W of shape (m, k, d), and its error."""
    m, k, d = pulled.shape
    flat, size = pulled.reshape(m * k, d), np.abs(pulled)
    dense = flat.T @ np.matmul(cores, pulled).reshape(m * k, d)
    rounding = (m + k + 6) * _EPS
    weight = np.abs(cores)
    whole, doubt = size + pulled_error, weight + cores_error
    # |W C W| with all errors, less the product of what was computed; every factor is a sum of sizes.
    inner = np.matmul(doubt, whole)
    error = pulled_error.reshape(m * k, d).T @ inner.reshape(m * k, d)
    error = error + error.T
    error += size.reshape(m * k, d).T @ np.matmul(cores_error, whole).reshape(m * k, d)
    error += rounding * (size.reshape(m * k, d).T @ inner.reshape(m * k, d))
    return dense, error


def _pieces(n: int, d: int) -> list[slice]:
    rows = min(max(_PIECE_ENTRIES // max(d, 1), _LEAST_PIECE), _MOST_PIECE)
    return [slice(k, min(k + rows, n)) for k in range(0, n, rows)]


def _chain(n: int, d: int) -> int:
    """Return how many roundings an entry of a sum over rows goes through at most."""
    pieces = _pieces(n, d)
    return int(pieces[0].stop - pieces[0].start) + len(pieces) + 16


def _rows_of(evaluation: Evaluation, piece: slice, centres: FloatArray | None) -> FloatArray:
    """Return some rows of A in float64, less the centre of their group."""
    problem = evaluation.problem
    dense = np.asarray(problem.design.dense_rows(piece), dtype=np.float64)
    if centres is None:
        return dense
    groups = problem.outer.groups
    if len(groups) == 1:
        return np.asarray(dense - centres[0])
    which = np.searchsorted(groups.starts, np.arange(piece.start, piece.stop), side="right") - 1
    return np.asarray(dense - centres[which])


def _gram(
    evaluation: Evaluation, weights: FloatArray, unsure: FloatArray, centres: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return A~^T diag(w) A~ for centred rows, and what bounds its error, for w known within `unsure`.

    By Cauchy and Schwarz an entry of the error is at most c_j c_k, with c_j^2 the sum over rows of
    (unsure + gamma |w|) a~_ij^2.
    """
    n, d = evaluation.problem.design.shape
    doubts = unsure + _chain(n, d) * _EPS * np.abs(weights)

    def one(piece: slice) -> FloatArray:
        rows = _rows_of(evaluation, piece, centres)
        gram = rows.T @ (weights[piece, None] * rows)
        return np.vstack((gram, doubts[piece] @ (rows * rows)))

    total = evaluation.problem.design.sum_blocks(one, tuple(_pieces(n, d)))
    sizes = np.sqrt(total[d] * _ABOVE + _TINY)
    return total[:d], np.outer(sizes, sizes) * _ABOVE


def _pulled(
    evaluation: Evaluation, columns: FloatArray, unsure: FloatArray, centres: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return U^T A~ by groups, shape (m, k, d), and its error, for U known within `unsure`."""
    groups, (n, d) = evaluation.problem.outer.groups, evaluation.problem.design.shape
    doubts = unsure + _chain(n, d) * _EPS * np.abs(columns)
    out = np.zeros((2, len(groups), columns.shape[1], d))
    for piece in groups.blocks(_pieces(n, d)):
        dense = _rows_of(evaluation, piece.rows, centres)
        size = np.abs(dense)
        for k in range(columns.shape[1]):
            out[0, piece.groups, k] += piece.sums(columns[piece.rows, k, None] * dense)
            out[1, piece.groups, k] += piece.sums(doubts[piece.rows, k, None] * size)
    return out[0], out[1] * _ABOVE + _TINY
