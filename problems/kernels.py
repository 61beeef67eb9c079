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
def _sum_group(f, u, b, weights, constants, out):  # type: ignore[no-untyped-def]
    """Do what ``normalised_sums`` does for one group."""
    varies = len(weights) > 1
    scale, a = constants[0], constants[1]
    rr, pr, pp, pb, pu = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(f)):
        s = weights[i] if varies else weights[0]
        p = f[i] / a
        r, sp = p - b[i], s * p
        rr += s * r * r
        pr += sp * r
        pp += sp * p
        pb += abs(sp) * abs(b[i])
        pu += sp * (u[i] - scale)
    out[0], out[1], out[2], out[3], out[4] = rr, pr, pp, pb, pu


@compiled
def normalised_sums(f, u, b, weights, starts, constants, out):  # type: ignore[no-untyped-def]
    """Fill `out`, shape (groups, 5), with the sums over the rows of each group that the totals hold.

    With p = f / a, r = p - b and s the weights these are <s r, r>, <s p, r>, <s p, p>,
    <s |p|, |b|> and <s p, u - scale>.  `constants` holds scale and a of each group.
    """
    for g in range(len(starts)):
        start = starts[g]
        last = starts[g + 1] if g + 1 < len(starts) else len(f)
        weighted = weights[start:last] if len(weights) > 1 else weights
        _sum_group(f[start:last], u[start:last], b[start:last], weighted, constants[g], out[g])  # type: ignore[no-untyped-call]


@compiled
def _fill_group(  # type: ignore[no-untyped-def]  # noqa: PLR0912
    f,
    first,
    second,
    u,
    b,
    weights,
    constants,
    entropy_weight,
    gradient,
    diagonal,
    magnitude,
    column,
    other_column,
):
    """Do what ``normalised_rows`` does for one group."""
    scale, a, c, size = constants[0], constants[1], constants[2], constants[3]
    t, mean = constants[4], constants[5]
    for i in range(len(f)):
        gradient[i] = (f[i] / a - b[i]) - c
    for i in range(len(f)):
        column[i] = first[i] / a
    for i in range(len(f)):
        diagonal[i] = second[i] / a * gradient[i] + column[i] * column[i]
    for i in range(len(f)):
        gradient[i] *= column[i]
    for i in range(len(f)):
        magnitude[i] = abs(column[i]) * (abs(f[i] / a) + abs(b[i]) + size)
    if entropy_weight != 0.0:
        for i in range(len(f)):
            weighted = entropy_weight * (f[i] / a)
            surprise = (u[i] - scale) - mean
            gradient[i] += weighted * surprise
            diagonal[i] += weighted * (1.0 + surprise)
            magnitude[i] += abs(weighted * surprise)
    for array in (column, gradient, diagonal, magnitude):
        if len(weights) > 1:
            for i in range(len(f)):
                array[i] *= weights[i]
        elif weights[0] != 1.0:
            for i in range(len(f)):
                array[i] *= weights[0]
    for i in range(len(f)):
        other_column[i] = column[i] * (f[i] / a) + gradient[i]
    if t != 1.0:
        for array in (gradient, diagonal, magnitude):
            for i in range(len(f)):
                array[i] *= t


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
    column,
    other_column,
):
    """Fill l', D, the size of l' and the columns of U of the squared loss of f / a - b, less an entropy.

    `constants` holds for each group: the scale of f, a, c, what c would be if nothing
    cancelled in it, the weight t of the group, and <s p, u - scale>.  There are several short
    loops, over slices, because only such are made of vector instructions.
    """
    for g in range(len(starts)):
        start = starts[g]
        last = starts[g + 1] if g + 1 < len(starts) else len(f)
        _fill_group(  # type: ignore[no-untyped-call]
            f[start:last],
            first[start:last],
            second[start:last],
            u[start:last],
            b[start:last],
            weights[start:last] if len(weights) > 1 else weights,
            constants[g],
            entropy_weight,
            gradient[start:last],
            diagonal[start:last],
            magnitude[start:last],
            column[start:last],
            other_column[start:last],
        )
