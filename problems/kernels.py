"""Numba kernels over rows, given the activation and its derivatives; each has a NumPy oracle in the tests.

The activation comes in as arrays f, f' and f'', so that one kernel serves every activation,
one's own included, and the exponentials are those of NumPy.  A sum of f that is 0 gives infinity
or NaN.  `weights` of length 1 count for
all rows.  Groups are runs of rows that begin at `starts`.
"""

from __future__ import annotations

from newtonkit.design.kernels import compiled


@compiled
def residual_squares(f, b, weights):  # type: ignore[no-untyped-def]
    """Return ``sum(weights * (f - b) ** 2)``."""
    varies = len(weights) > 1
    total = 0.0
    for i in range(len(f)):
        r = f[i] - b[i]
        total += r * r * (weights[i] if varies else weights[0])
    return total


@compiled
def elementwise_rows(f, first, second, b, weights, gradient, diagonal, magnitude):  # type: ignore[no-untyped-def]
    """Fill l', D and the size of l' of the squared loss of f - b."""
    varies = len(weights) > 1
    for i in range(len(f)):
        s = weights[i] if varies else weights[0]
        r = f[i] - b[i]
        gradient[i] = s * (first[i] * r)
        diagonal[i] = s * (first[i] * first[i] + second[i] * r)
        magnitude[i] = s * (abs(first[i]) * (abs(f[i]) + abs(b[i])))


@compiled
def normalised_sums(f, u, b, weights, starts, constants, out):  # type: ignore[no-untyped-def]
    """Fill `out`, shape (groups, 5), with the sums over the rows of each group that the totals hold.

    With p = f / a, r = p - b and s the weights these are <s r, r>, <s p, r>, <s p, p>,
    <s |p|, |b|> and <s p, u - scale>.  `constants` holds scale and a of each group.
    """
    varies = len(weights) > 1
    for g in range(len(starts)):
        last = starts[g + 1] if g + 1 < len(starts) else len(f)
        scale, a = constants[g, 0], constants[g, 1]
        rr, pr, pp, pb, pu = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(starts[g], last):
            s = weights[i] if varies else weights[0]
            p = f[i] / a
            r, sp = p - b[i], s * p
            rr += s * r * r
            pr += sp * r
            pp += sp * p
            pb += abs(sp) * abs(b[i])
            pu += sp * (u[i] - scale)
        out[g, 0], out[g, 1], out[g, 2], out[g, 3], out[g, 4] = rr, pr, pp, pb, pu


@compiled
def normalised_rows(  # type: ignore[no-untyped-def]
    f,
    first,
    second,
    u,
    b,
    weights,
    starts,
    constants,
    entropy_weight,
    gradient,
    diagonal,
    magnitude,
    low_rank,
):
    """Fill l', D, the size of l' and U of the squared loss of f / a - b, less an entropy.

    `constants` holds for each group: the scale of f, a, c, what c would be if nothing
    cancelled in it, the weight t of the group, and <s p, u - scale>.  `low_rank` has shape
    (2, rows).
    """
    varies = len(weights) > 1
    for g in range(len(starts)):
        last = starts[g + 1] if g + 1 < len(starts) else len(f)
        scale, a, c, size = constants[g, 0], constants[g, 1], constants[g, 2], constants[g, 3]
        t, mean = constants[g, 4], constants[g, 5]
        for i in range(starts[g], last):
            s = weights[i] if varies else weights[0]
            p, v = f[i] / a, first[i] / a
            sv = s * v
            error = (p - b[i]) - c
            slope = sv * error
            curvature = s * (second[i] / a * error + v * v)
            extent = abs(sv) * (abs(p) + abs(b[i]) + size)
            if entropy_weight != 0.0:
                weighted = entropy_weight * s * p
                surprise = (u[i] - scale) - mean
                slope += weighted * surprise
                curvature += weighted * (1.0 + surprise)
                extent += abs(weighted * surprise)
            gradient[i], diagonal[i], magnitude[i] = t * slope, t * curvature, t * extent
            low_rank[0, i], low_rank[1, i] = sv, sv * p + slope
