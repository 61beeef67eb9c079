"""An independent judge of what a solver returned; see :mod:`tests.extended` for its formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.extended import Point


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
        No curvature below -1e-6 in the metric of :mod:`tests.extended`, or the loss is about zero
        (1e-12 of its scale), which nothing can better (unless there is an entropy).
    value_agrees : bool
        result.fun is the loss at result.x, to rounding.
    escaping : bool
        The rows have lost their curvature, there is no penalty, the loss is not about zero, and
        the Newton step stays of order one: a plateau, or a minimiser at infinity.
    wrong_success : bool
        Success is claimed and one of the four above speaks against it.
    honest_saturated : bool
        Status SATURATED, no success claimed, and the result lies on a plateau or runs away.
    premature : bool
        Success is claimed and not wrong, but the Newton step would still move some u_i by over 0.05.
    loss, loss_scale, gradient_ratio, curvature, newton_step, mass_ratio : float
        The loss at result.x, its size without cancellation, ||grad|| / S, the most negative
        relative curvature, max |A s| of the Newton step, and the curvature of the rows summed up,
        relative to x = 0.
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


def verdict(case: Any, result: Any, gtol: float = 1e-8) -> Verdict:
    """Judge what a solver returned for a case of the grid."""
    raw = case.raw
    with np.errstate(all="ignore"):
        here, zero = Point(raw, result.x), Point(raw, np.zeros(len(result.x)))
        spectrum = here.spectrum()
        step = here.newton_step(spectrum)
    lowest = float(spectrum[0].min(initial=0.0))
    norm = float(np.sqrt(here.gradient @ here.gradient))
    mass_ratio = here.mass / zero.mass if zero.mass > 0 else np.inf
    lost = mass_ratio < 1e-10 and raw.ridge == 0 and raw.penalty_weights is None
    flat = norm <= max(1e-6 * here.gradient_scale, 1e-8 * zero.gradient_scale)
    zero_loss = bool(here.loss <= 1e-12 * here.loss_scale)
    saturated = getattr(result.status, "name", "") == "SATURATED" and not result.success
    return Verdict(
        claims_success=bool(result.success),
        gradient_ok=norm <= max(gtol * 1.001 * here.gradient_scale, here.gradient_floor),
        curvature_ok=lowest >= -1e-6 or (zero_loss and raw.entropy_weight == 0),
        value_agrees=bool(abs(result.fun - here.loss) <= here.loss_floor),
        escaping=lost and step > 0.3 and not zero_loss,
        honest_saturated=saturated and (mass_ratio < 1e-8 or (flat and step > 0.3)),
        loss=float(here.loss),
        loss_scale=float(here.loss_scale),
        gradient_ratio=norm / here.gradient_scale if here.gradient_scale > 0 else 0.0,
        curvature=lowest,
        newton_step=step,
        mass_ratio=mass_ratio,
    )
