"""The losses of the grid once more: extended precision, and nothing shared with the package.

Everything is written from the definitions of the losses: with u = A x + o and f the
activation, 1/2 <r, r> with r = f - b, f - <f, 1> b or f/<f, 1> - b in each group, minus
entropy_weight times -<p, log p>, plus the penalties.

Second derivatives are Gauss-Newton rows G = dr (for the elementwise losses all is in the
second part) and terms k_i z_i z_i^T of <r, d^2 r>.  Curvature is measured relative to
G^T G + Z^T |diag(k)| Z + penalties.  This metric vanishes with the Hessian where a softmax
is saturated, which A^T |D| A does not: D is 1 in the row that has all the mass.  The basis
that is orthonormal in it comes from pivoted Gram-Schmidt in extended precision, so neither
the condition of A nor weights over many orders of magnitude blur it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Part:
    """One group of rows at u: its loss, first derivatives, sizes without cancellation, curvature.

    The Hessian of its loss in x is G^T G + Z^T diag(k) Z - y z^T - z y^T, where
    ``forms(A)`` returns G, Z, k and y, z; ``sizes`` is about the diagonal of the Hessian in u.
    """

    loss: Any
    loss_scale: Any
    slope: Array
    slope_size: Array
    sizes: Array
    forms: Callable[[Array], tuple[Array, Array, Array, Array, Array]]


def _activation(name: str, u: Array, shift: Any) -> tuple[Array, Array, Array]:
    """Return f, f', f'' times exp(-shift)."""
    unit = np.exp(-shift)
    if name == "exp":
        e = np.exp(u - shift)
        return e, e, e
    if name == "exp_plus_identity":
        e = np.exp(u - shift)
        return e + u * unit, e + unit, e
    even, odd = np.cosh(u) * unit, np.sinh(u) * unit
    return (even, odd, even) if name == "cosh" else (odd, even, odd)


def _elementwise(name: str, u: Array, b: Array) -> Part:
    f, f1, f2 = _activation(name, u, np.longdouble(0))
    r, whole = f - b, np.abs(f) + np.abs(b)
    k = f1 * f1 + r * f2
    nothing = np.zeros_like
    return Part(
        r @ r / 2,
        whole @ whole / 2,
        f1 * r,
        np.abs(f1) * whole,
        np.abs(k),
        lambda A: (A[:0], A, k, nothing(A[0]), nothing(A[0])),
    )


def _rescaled(name: str, u: Array, b: Array) -> Part:
    f, f1, f2 = _activation(name, u, np.longdouble(0))
    total = f.sum()
    r, whole = f - total * b, np.abs(f) + np.abs(total * b)
    pull = r - b @ r
    k = f2 * pull

    def forms(A: Array) -> tuple[Array, Array, Array, Array, Array]:
        return f1[:, None] * A - np.outer(b, f1 @ A), A, k, np.zeros_like(A[0]), np.zeros_like(A[0])

    size = np.abs(f1) * (whole + np.abs(b) @ whole)
    return Part(r @ r / 2, whole @ whole / 2, f1 * pull, size, f1 * f1 + np.abs(k), forms)


def _normalised(name: str, u: Array, b: Array, gamma: float) -> Part:
    """One softmax, or another normalised activation.

    Where one row h has nearly all the mass, r_h - <p, r> and the rows of A less their mean
    are differences of nearly equal numbers: they are formed as sums of p_j (r_h - r_j).
    """
    shift = u.max() if name == "exp" else max(u.max(), np.longdouble(0))
    f, f1, f2 = _activation(name, u, shift)
    total = f.sum()
    if not total > 0:
        raise ValueError("outside the domain")
    p, v, w = f / total, f1 / total, f2 / total
    h = int(np.argmax(p))

    def centred(values: Array) -> Array:
        """Return values less their mean under p."""
        differences = values - values[h]
        return differences - p @ differences

    r, whole = p - b, np.abs(p) + np.abs(b)
    pull = centred(r)
    loss, scale, slope, k = r @ r / 2, whole @ whole / 2, v * pull, w * pull
    size = np.abs(v) * (whole + np.abs(p) @ whole)
    if gamma:  # the entropy is -<p, log p>
        log_p = u - shift - np.log(total)
        surprise = centred(log_p)
        loss, scale = loss + gamma * (p @ log_p), scale - gamma * (p @ log_p)
        slope, k = slope + gamma * p * surprise, k + gamma * p * (1 + surprise)
        size = size + gamma * np.abs(p * surprise)

    def forms(A: Array) -> tuple[Array, Array, Array, Array, Array]:
        if name == "exp":  # adding a constant to u changes nothing
            Z = centred(A)
            return p[:, None] * Z, Z, k, np.zeros_like(A[0]), np.zeros_like(A[0])
        moved = A - A[h]
        shift_row = v - p * v.sum()
        shift_row[h] = (v[h] * p - p[h] * v).sum()  # its own term is exactly zero
        G = v[:, None] * moved - np.outer(p, v @ moved) + np.outer(shift_row, A[h])
        return G, A, k, slope @ A, v @ A

    others = 1 - p
    others[h] = p[:h].sum() + p[h + 1 :].sum()
    return Part(loss, scale, slope, size, (v * others) ** 2 + np.abs(k), forms)


class Point:
    """A case at x, in extended precision."""

    def __init__(self, raw: Any, x: Array) -> None:
        self.raw = raw
        self.A = raw.A.astype(np.longdouble)
        self.x = np.asarray(x).astype(np.longdouble)
        self.a_x = self.A @ self.x
        n = len(self.a_x)
        u = self.a_x if raw.offset is None else self.a_x + raw.offset
        b, labels = raw.b.astype(np.longdouble), raw.groups
        groups = (
            [np.arange(n)] if labels is None else [np.flatnonzero(labels == g) for g in np.unique(labels)]
        )
        self.parts = [(rows, self._part(u[rows], b[rows])) for rows in groups]
        weights = np.zeros(n) if raw.penalty_weights is None else raw.penalty_weights
        self.row_penalty = weights.astype(np.longdouble) ** 2
        pull = self.row_penalty * self.a_x
        penalty = pull @ self.a_x / 2 + raw.ridge * (self.x @ self.x) / 2
        self.loss = sum(part.loss for _, part in self.parts) + penalty
        self.loss_scale = sum(part.loss_scale for _, part in self.parts) + penalty
        self.slope, self.slope_size, self.sizes = pull, np.abs(pull), self.row_penalty.copy()
        for rows, part in self.parts:
            self.slope[rows] += part.slope
            self.slope_size[rows] += part.slope_size
            self.sizes[rows] += part.sizes
        self.mass = float(self.sizes.sum())
        self.gradient = self.A.T @ self.slope + raw.ridge * self.x
        self._scales()

    def _scales(self) -> None:
        """Set S(x), and what rounding of x and of u can do to gradient and loss."""
        norms = np.sqrt((self.A * self.A).sum(axis=1))
        pull = np.sqrt(((self.raw.ridge * self.x) ** 2).sum())
        self.gradient_scale = float(norms @ self.slope_size + pull)
        rounding = 4 * EPS * (np.abs(self.A) @ np.abs(self.x) + 1)  # of u, which matters on the scale of 1
        self.gradient_floor = float(norms @ (self.sizes * rounding) + EPS * pull)
        self.loss_floor = float(self.slope_size @ rounding + 1e-12 * self.loss_scale) + 1e-300

    def _part(self, u: Array, b: Array) -> Part:
        name, structure = self.raw.activation, self.raw.structure
        if structure == "elementwise":
            return _elementwise(name, u, b)
        if structure == "rescaled":
            return _rescaled(name, u, b)
        return _normalised(name, u, b, self.raw.entropy_weight)

    def forms(self) -> tuple[Array, Array, list[tuple[Array, Array]]]:
        """Return B, signs and pairs with Hessian = B^T diag(signs) B - sum of y z^T + z y^T."""
        d = len(self.x)
        ridge = np.sqrt(np.longdouble(self.raw.ridge)) * np.eye(d, dtype=np.longdouble)
        rows = [ridge, np.sqrt(self.row_penalty)[:, None] * self.A]
        signs, pairs = [np.ones(d + len(self.A))], []
        for members, part in self.parts:
            G, Z, k, y, z = part.forms(self.A[members])
            rows += [G, np.sqrt(np.abs(k))[:, None] * Z]
            signs += [np.ones(len(G)), np.sign(k)]
            pairs.append((y, z))
        return np.vstack(rows), np.concatenate(signs), pairs

    def spectrum(self) -> tuple[Array, Array, Array]:
        """Return eigenvalues and eigenvectors of the Hessian relative to B^T B, and the basis P."""
        B, signs, pairs = self.forms()
        P, Q = metric_basis(B)
        hessian = Q.T @ (signs[:, None] * Q)
        for y, z in pairs:
            cross = np.outer(y @ P, z @ P)
            hessian -= cross + cross.T
        values, vectors = np.linalg.eigh(np.asarray((hessian + hessian.T) / 2, dtype=np.float64))
        return values, vectors, P

    def newton_step(self, spectrum: tuple[Array, Array, Array]) -> float:
        """Return max |A s| of the Newton step with absolute curvatures."""
        values, vectors, P = spectrum
        s = vectors @ ((vectors.T @ (P.T @ self.gradient)) / np.maximum(np.abs(values), 1e-9))
        return float(np.abs(self.A @ (P @ s)).max(initial=0.0))


def metric_basis(B: Array) -> tuple[Array, Array]:
    """Return P and Q = B P with orthonormal columns that span the range of B."""
    d = B.shape[1]
    scale = np.sqrt((B * B).sum(axis=0))
    scale[scale == 0] = 1
    B, P = B / scale, np.diag(1 / scale)
    chosen: list[int] = []
    left = list(range(d))
    while left:
        norms = np.sqrt((B[:, left] ** 2).sum(axis=0))
        best = int(np.argmax(norms))
        if norms[best] < 1e-14:
            break
        pivot = left.pop(best)
        chosen.append(pivot)
        B[:, pivot] /= norms[best]
        P[:, pivot] /= norms[best]
        shares = B[:, pivot] @ B[:, left]
        B[:, left] -= np.outer(B[:, pivot], shares)
        P[:, left] -= np.outer(P[:, pivot], shares)
    return P[:, chosen], B[:, chosen]
