"""Numbers and sentences of a certificate, rounded so that what is printed is proved too."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newtonkit.certificates.certificate import Certificate


def at_most(value: float, digits: int = 2) -> str:
    """Return a number in some digits, rounded up.

    Examples
    --------
    >>> from newtonkit.certificates.wording import at_most
    >>> at_most(1.816e-7), at_most(0.5)
    ('1.9e-07', '0.5')
    """
    return _rounded(value, digits, ROUND_CEILING)


def at_least(value: float, digits: int = 2) -> str:
    """Return a number in some digits, rounded down."""
    return _rounded(value, digits, ROUND_FLOOR)


def _rounded(value: float, digits: int, towards: str) -> str:
    if not math.isfinite(value):
        return str(value)
    rounded = Context(prec=digits, rounding=towards).create_decimal_from_float(value)
    return f"{float(rounded):.{digits}g}"


def in_words(certificate: Certificate) -> str:
    """Return what a certificate says, a sentence to a line."""
    if not certificate.proven:
        return f"Nothing is proven. {certificate.reason}"
    radius = at_most(certificate.radius)
    lines = [f"There is a minimiser within {radius} of x."]
    if certificate.unique_within >= certificate.radius:
        lines.append(f"There is no other stationary point within {at_least(certificate.unique_within)}.")
    if certificate.l > 0.0:
        low, high = at_least(certificate.l, 3), at_most(certificate.M, 3)
        lines.append(f"Within {radius} of x the curvature is at least l = {low} in every direction,")
        lines.append(f"and the Hessian changes by at most M = {high} per unit of distance.")
    else:
        lines.append(f"The curvature is not known to be positive all over the ball of {radius}.")
    if certificate.in_good_region:
        lines.append("The loss is (l, M)-good at x: radius * M <= 0.1 l.")
    elif certificate.in_contraction_region:
        lines.append("Newton steps from x contract, in the norm of the Hessian.")
    return "\n".join(lines)
