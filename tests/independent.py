"""An independent judge of results: extended precision, and nothing shared with the package.

Everything is written from the definitions of the losses: with u = A x + o and f the
activation, 1/2 <r, r> with r = f - b, f - <f, 1> b or f/<f, 1> - b in each group, minus
entropy_weight times -<p, log p>, plus the penalties.  Second derivatives are the
Gauss-Newton term <dr, dr> and the curvature term <r, d^2 r> along given directions.

Curvature is measured relative to A^T |D| A + ridge, in a basis that is orthonormal in that
metric, made by pivoted Gram-Schmidt in extended precision, so conditioning does not blur it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Verdict:
    """What is true of a result.

    Attributes
    ----------
    claims_success : bool
        result.success.
    gradient_ok : bool
        ||grad|| <= gtol S(x), or as small as rounding of x and u allows.
    curvature_ok : bool
        No curvature below -1e-6 relative to A^T |D| A + ridge.
    value_agrees : bool
        result.fun is the loss at result.x, to rounding.
    escaping : bool
        The rows have lost their curvature, there is no penalty, and the Newton step stays of order one:
        a plateau, or a minimiser at infinity.
    wrong_success : bool
        Success is claimed and one of the four above speaks against it.
    honest_saturated : bool
        Status SATURATED, no success claimed, and the result lies on a plateau or runs away.
    premature : bool
        Success is claimed and not wrong, but the Newton step would still move some u_i by over 0.05.
    loss, loss_scale, gradient_ratio, curvature, newton_step, mass_ratio : float
        The loss at result.x, its size without cancellation, ||grad|| / S, the most negative
        relative curvature, max |A s| of the Newton step, and sum |D| relative to x = 0.
    """

    claims_success: bool
    gradient_ok: bool
    curvature_ok: bool
    value_agrees: bool
    escaping: bool
    honest_saturated: bool
    loss: float
    loss_scale: float
    gradient_ratio: float
    curvature: float
    newton_step: float
    mass_ratio: float

    @property
    def wrong_success(self) -> bool:
        sound = self.gradient_ok and self.curvature_ok and self.value_agrees and not self.escaping
        return self.claims_success and not sound

    @property
    def verified(self) -> bool:
        return self.claims_success and not self.wrong_success

    @property
    def other(self) -> bool:
        return not self.claims_success and not self.honest_saturated

    @property
    def premature(self) -> bool:
        return self.verified and self.newton_step > 0.05

    def __str__(self) -> str:
        faults = [name for name in ("gradient_ok", "curvature_ok", "value_agrees") if not getattr(self, name)]
        return (
            f"gradient {self.gradient_ratio:.1e} curvature {self.curvature:.1e} loss {self.loss:.6e} "
            f"of {self.loss_scale:.1e} newton step {self.newton_step:.1e} mass {self.mass_ratio:.1e}"
            + (f" not {' '.join(faults)}" if faults else "")
            + (" escaping" if self.escaping else "")
        )


@dataclass(frozen=True)
class Part:
    """One group of rows at u: its loss, derivatives in u, and sizes without cancellation."""

    loss: Any
    loss_scale: Any
    slope: Array
    size: Array
    diagonal: Array
    along: Any  # W (rows, k) -> (k, k), the second derivatives of the loss along the columns of W


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
    diagonal = f1 * f1 + r * f2
    return Part(
        r @ r / 2,
        whole @ whole / 2,
        f1 * r,
        np.abs(f1) * whole,
        diagonal,
        lambda W: W.T @ (diagonal[:, None] * W),
    )


def _rescaled(name: str, u: Array, b: Array) -> Part:
    f, f1, f2 = _activation(name, u, np.longdouble(0))
    total = f.sum()
    r, whole = f - total * b, np.abs(f) + np.abs(total * b)
    pull = r - b @ r

    def along(W: Array) -> Array:
        dr = f1[:, None] * W - np.outer(b, f1 @ W)
        return dr.T @ dr + W.T @ ((f2 * pull)[:, None] * W)

    size = np.abs(f1) * (whole + np.abs(b) @ whole)
    return Part(r @ r / 2, whole @ whole / 2, f1 * pull, size, f1 * f1 + f2 * pull, along)


def _normalised(name: str, u: Array, b: Array, gamma: float) -> Part:
    shift = u.max() if name == "exp" else max(u.max(), np.longdouble(0))
    f, f1, f2 = _activation(name, u, shift)
    total = f.sum()
    if not total > 0:
        raise ValueError("outside the domain")
    p, v, w = f / total, f1 / total, f2 / total
    r, whole = p - b, np.abs(p) + np.abs(b)
    c = p @ r
    loss, scale, slope = r @ r / 2, whole @ whole / 2, v * (r - c)
    size, diagonal = np.abs(v) * (whole + np.abs(p) @ whole), v * v + w * (r - c)
    log_p = u - shift - np.log(total) if gamma else np.zeros_like(u)
    mean_log = p @ log_p  # minus the entropy
    if gamma:
        loss, scale = loss + gamma * mean_log, scale - gamma * mean_log
        slope = slope + gamma * p * (log_p - mean_log)
        size = size + gamma * np.abs(p * (log_p - mean_log))
        diagonal = diagonal + gamma * p * (1 + log_p - mean_log)

    def along(W: Array) -> Array:
        beta, alpha = v @ W, (v * (r + gamma * log_p)) @ W
        dp = v[:, None] * W - np.outer(p, beta)
        pull = c + gamma * mean_log
        crossed = np.outer(alpha, beta)
        second = W.T @ ((w * (r + gamma * log_p - pull))[:, None] * W)
        second += 2 * pull * np.outer(beta, beta) - crossed - crossed.T
        second += dp.T @ dp
        if gamma:  # <dp, d log p>, where d log p = W - beta for the softmax
            centred = W - beta
            second += gamma * centred.T @ (p[:, None] * centred)
        return second

    return Part(loss, scale, slope, size, diagonal, along)


class Point:
    """A case at x, in extended precision."""

    def __init__(self, raw: Any, x: Array) -> None:
        self.raw = raw
        self.A = raw.A.astype(np.longdouble)
        self.x = np.asarray(x).astype(np.longdouble)
        self.a_x = self.A @ self.x
        u = self.a_x if raw.offset is None else self.a_x + raw.offset
        b, labels = raw.b.astype(np.longdouble), raw.groups
        groups = [slice(None)] if labels is None else [labels == label for label in np.unique(labels)]
        self.parts = [(rows, self._part(u[rows], b[rows])) for rows in groups]
        w2 = (
            np.zeros(len(b))
            if raw.penalty_weights is None
            else raw.penalty_weights.astype(np.longdouble) ** 2
        )
        penalty = (w2 * self.a_x) @ self.a_x / 2 + raw.ridge * (self.x @ self.x) / 2
        self.row_penalty = w2
        self.loss = sum(part.loss for _, part in self.parts) + penalty
        self.loss_scale = sum(part.loss_scale for _, part in self.parts) + penalty
        self.slope, self.size, self.diagonal = w2 * self.a_x, np.abs(w2 * self.a_x), w2.astype(np.longdouble)
        for rows, part in self.parts:
            self.slope[rows] += part.slope
            self.size[rows] += part.size
            self.diagonal[rows] += part.diagonal
        self.mass = float(np.abs(self.diagonal).sum())
        self.gradient = self.A.T @ self.slope + raw.ridge * self.x
        norms = np.sqrt((self.A * self.A).sum(axis=1))
        pull = np.sqrt(((raw.ridge * self.x) ** 2).sum())
        self.gradient_scale = float(norms @ self.size + pull)
        rounding = 4 * EPS * (np.abs(self.A) @ np.abs(self.x) + 1)  # of u, which matters on the scale of 1
        self.gradient_floor = float(norms @ (np.abs(self.diagonal) * rounding) + EPS * pull)
        self.loss_floor = float(np.abs(self.size) @ rounding + 1e-12 * self.loss_scale) + 1e-300

    def _part(self, u: Array, b: Array) -> Part:
        name, structure = self.raw.activation, self.raw.structure
        if structure == "elementwise":
            return _elementwise(name, u, b)
        if structure == "rescaled":
            return _rescaled(name, u, b)
        return _normalised(name, u, b, self.raw.entropy_weight)

    def spectrum(self) -> tuple[Array, Array, Array, Array]:
        """Return eigenvalues and eigenvectors of the relative Hessian, its basis A P, and P^T gradient."""
        ridge = np.sqrt(np.longdouble(self.raw.ridge))
        basis = metric_basis(np.sqrt(np.abs(self.diagonal)), self.A, ridge)
        W = self.A @ basis
        hessian = self.raw.ridge * (basis.T @ basis) + W.T @ (self.row_penalty[:, None] * W)
        for rows, part in self.parts:
            hessian += part.along(W[rows])
        values, vectors = np.linalg.eigh(np.asarray((hessian + hessian.T) / 2, dtype=np.float64))
        return values, vectors, W, basis.T @ self.gradient

    def newton_step(self, spectrum: tuple[Array, Array, Array, Array]) -> float:
        """Return max |A s| of the Newton step with absolute curvatures."""
        values, vectors, W, gradient = spectrum
        s = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), 1e-9))
        return float(np.abs(W @ s).max(initial=0.0))


def metric_basis(root: Array, A: Array, ridge: Any) -> Array:
    """Return P with P^T (A^T diag(root^2) A + ridge^2 I) P = I, spanning the range of that metric."""
    d = A.shape[1]
    B = np.vstack((root[:, None] * A, ridge * np.eye(d, dtype=np.longdouble)))
    scale = np.sqrt((B * B).sum(axis=0))
    scale[scale == 0] = 1
    B, P = B / scale, np.diag(1 / scale)
    done: list[Array] = []
    left = list(range(d))
    while left:
        norms = np.sqrt((B[:, left] ** 2).sum(axis=0))
        best = int(np.argmax(norms))
        if norms[best] < 1e-14:
            break
        pivot = left.pop(best)
        q, column = B[:, pivot] / norms[best], P[:, pivot] / norms[best]
        done.append(column)
        shares = q @ B[:, left]
        B[:, left] -= np.outer(q, shares)
        P[:, left] -= np.outer(column, shares)
    return np.array(done, dtype=np.longdouble).reshape(-1, d).T


def verdict(case: Any, result: Any, gtol: float = 1e-8) -> Verdict:
    """Judge what a solver returned for a case of the grid."""
    raw = case.raw
    with np.errstate(all="ignore"):
        here, zero = Point(raw, result.x), Point(raw, np.zeros(len(result.x)))
        spectrum = here.spectrum()
        step = here.newton_step(spectrum)
    values = spectrum[0]
    lowest = float(values.min(initial=0.0))
    tolerance = 1e-6 + 1e-13 * float(np.abs(values).max(initial=0.0))
    norm = float(np.sqrt(here.gradient @ here.gradient))
    mass_ratio = here.mass / zero.mass if zero.mass > 0 else np.inf
    free = raw.ridge == 0 and raw.penalty_weights is None
    success = bool(result.success)
    flat = norm <= max(1e-6 * here.gradient_scale, 1e-8 * zero.gradient_scale)
    return Verdict(
        claims_success=success,
        gradient_ok=norm <= max(gtol * 1.001 * here.gradient_scale, here.gradient_floor),
        curvature_ok=lowest >= -tolerance,
        value_agrees=bool(abs(result.fun - here.loss) <= here.loss_floor),
        escaping=free and mass_ratio < 1e-10 and step > 0.3,
        honest_saturated=getattr(result.status, "name", "") == "SATURATED"
        and not success
        and (mass_ratio < 1e-8 or (flat and step > 0.3)),
        loss=float(here.loss),
        loss_scale=float(here.loss_scale),
        gradient_ratio=norm / here.gradient_scale if here.gradient_scale > 0 else 0.0,
        curvature=lowest,
        newton_step=step,
        mass_ratio=mass_ratio,
    )
