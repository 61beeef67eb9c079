"""What must be true of a certificate, judged by :mod:`tests.certificate_truth`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import newtonkit as nk
from tests.certificate_family import cases
from tests.certificate_truth import (
    LONG,
    SIXTY,
    Array,
    Local,
    Truth,
    critical_point,
    is_positive_definite,
    norm,
    third_derivative,
)

ROUNDING = 1e-6  # of third derivatives, which are differences
FURTHEST = 5.0  # in u: how far around x other critical points are looked for


class Judge:
    """Everything that is known of a case, in sixty digits and in long doubles."""

    def __init__(self, case: Any) -> None:
        self.case = case
        self.truth, self.long = Truth(case), Truth(case, LONG)
        self.lengths = np.sqrt((self.long.A**2).sum(axis=1)).astype(float)

    def minimiser(self, x: Array) -> Local | None:
        """Return the strict minimiser that Newton's method finds from x, None if it finds none."""
        found = critical_point(self.truth, x, self.long)
        if found is None:
            return None
        margin = SIXTY.array(np.eye(len(x))) * (abs(found.hessian).max() * 1e-25)
        return found if is_positive_definite(found.hessian - margin) else None

    def distance(self, x: Array, star: Local) -> float:
        """Return ||x - x*||."""
        return float(norm(SIXTY.array(x) - star.x))

    def faults(
        self, certificate: Any, x: Array, rng: np.random.Generator, star: Local | None = None
    ) -> list[str]:
        """Return what is false in a certificate for x, as sentences; none is good.

        `star` is a minimiser that is known; where it is not within the radius another is sought.
        """
        if not certificate.proven:
            return ["not proven, yet in the good region"] if certificate.in_good_region else []
        radius, M = certificate.radius, certificate.M
        out = []
        if not (0.0 <= radius < math.inf and M >= 0.0 and certificate.l < math.inf):
            out.append(f"radius {radius}, l {certificate.l}, M {M} are no sizes")
        if star is None or self.distance(x, star) > radius:
            star = self.minimiser(x)
        if star is None:
            return [*out, "no minimiser to be found"]
        distance = self.distance(x, star)
        if not distance <= radius:
            out.append(f"the minimiser is {distance:.3e} away, not within {radius:.3e}")
        if math.isfinite(M) and math.isfinite(certificate.l):  # else nothing is said
            out += self._curvature_faults(x, star, certificate, rng)
        out += self._uniqueness_faults(x, star, certificate.unique_within, rng)
        if certificate.in_good_region and not distance * M <= 0.1 * certificate.l:
            out.append(f"distance {distance:.3e} times M {M:.3e} is above 0.1 l = {0.1 * certificate.l:.3e}")
        return out

    def _curvature_faults(
        self, x: Array, star: Local, certificate: Any, rng: np.random.Generator
    ) -> list[str]:
        out, lowest, M = [], certificate.l, certificate.M
        identity = SIXTY.array(np.eye(len(x)))
        least = SIXTY.array([lowest])[0] - abs(lowest) * 1e-30  # it may be an equality
        for name, here in (("x", self.truth.at(x)), ("the minimiser", star)):
            if not is_positive_definite(here.hessian - identity * least):
                low = np.linalg.eigvalsh(here.hessian.astype(float)).min()
                out.append(f"the least curvature at {name} is {low:.6e}, less than l = {lowest:.6e}")
        points = [x, star.x.astype(float)]
        inside = x + certificate.radius * rng.uniform() * unit(rng, len(x))
        points.append(inside)
        margin = np.longdouble(1e-12) * self._noise(inside) - np.longdouble(lowest)
        if not is_positive_definite(self.long.at(inside).hessian + margin * np.eye(len(x))):
            out.append(f"the least curvature nearby is less than l = {lowest:.6e}")
        for y in points:
            for w in self._directions(x, star, rng):
                third = third_derivative(self.long, y, w)
                if not third <= M * (1 + ROUNDING) + 1e-11 * self._noise(y) * self.lengths.max():
                    out.append(f"a third derivative is {third:.6e}, more than M = {M:.6e}")
        return out

    def _noise(self, y: Array) -> Any:
        """Return the size of the Hessian at y."""
        return np.abs(self.long.at(y).hessian).max()

    def _directions(self, x: Array, star: Local, rng: np.random.Generator) -> list[Array]:
        """Return unit vectors along which to take third derivatives."""
        d = len(x)
        if d == 1:
            return [np.ones(1)]
        longest = self.long.A[int(np.argmax(self.lengths))].astype(float)
        out = [unit(rng, d), longest / np.linalg.norm(longest)]
        step = (star.x - SIXTY.array(x)).astype(float)
        return [*out, step / np.linalg.norm(step)] if np.linalg.norm(step) > 0.0 else out

    def _uniqueness_faults(
        self, x: Array, star: Local, unique_within: float, rng: np.random.Generator
    ) -> list[str]:
        """Look for a second critical point nearer to x than `unique_within`."""
        reach = min(unique_within, FURTHEST / self.lengths.max())
        near = star.x.astype(float)
        for _ in range(2):
            start = x + reach * unit(rng, len(x)) * rng.uniform() ** (1 / len(x))
            found = critical_point(self.long, start, tolerance=1e-14, limit=30)
            if found is None:
                continue
            other = found.x.astype(float)
            apart = np.linalg.norm(other - near) * self.lengths.max()
            if np.linalg.norm(other - x) < 0.999 * unique_within and apart > 1e-4:
                out = f"{other} is critical as well as {near}, both within {unique_within:.3e} of {x}"
                return [out] if self._is_apart(other, star) else []
        return []

    def _is_apart(self, other: Array, star: Local) -> bool:
        """Tell whether another critical point is there in sixty digits too."""
        sure = critical_point(self.truth, other, self.long)
        return sure is not None and self.distance(other, star) > 2 * self.distance(other, sure)


def unit(rng: np.random.Generator, d: int) -> Array:
    """Return a random direction."""
    v = rng.standard_normal(d)
    return v / np.linalg.norm(v)


@dataclass(frozen=True, eq=False)
class Solved:
    """A converged solve of a well-posed problem."""

    judge: Judge
    problem: Any
    x: Array
    star: Local
    certificate: Any

    @property
    def ratio(self) -> float:
        """The certificate's radius over the true distance; 1 where both are 0."""
        distance, radius = self.judge.distance(self.x, self.star), self.certificate.radius
        if distance == 0.0:
            return 1.0 if radius == 0.0 else math.inf
        return float(radius / distance)


@cache
def solved(structure: str, every: int = 1) -> tuple[Solved, ...]:
    """Solve the cases of a structure, or one in so many; what is not well-posed is left out."""
    out = []
    for case in [case for case in cases() if case.structure == structure][::every]:
        problem, judge = case.make(), Judge(case)
        result = nk.minimize(problem, case.start)
        star = judge.minimiser(result.x) if result.success else None
        if star is not None:
            out.append(Solved(judge, problem, result.x, star, nk.certify(problem, result.x)))
    return tuple(out)
