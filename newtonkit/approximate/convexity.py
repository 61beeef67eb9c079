"""A proof of convexity from a sample of the rows and all those of negative curvature.

With P standing for B^T |D| B + diag(ridge), the Hessian B^T D B + diag(ridge) is P less
2 B_-^T |D_-| B_-, where B_- are the rows with D < 0.  Where these are few they are taken as
they are; what they take away has to be a small part of P, in all directions, so that the
error of the sample does not matter.  Derived here.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.approximate.preconditioner import SampledPreconditioner
from newtonkit.metric import Metric
from newtonkit.problems.shifting import ShiftedForm

_MOST_ROWS = 0.2
_MOST_TAKEN = 0.25


def can_be_proven_convex(form: ShiftedForm) -> bool:
    """Tell whether the rows of negative curvature are few, and all there is of it."""
    return form.remainder is None and float((form.weights < 0.0).mean()) <= _MOST_ROWS


def is_proven_convex(form: ShiftedForm, metric: Metric, preconditioner: SampledPreconditioner) -> bool:
    """Tell whether rows of negative curvature take at most a quarter of P, for one sweep at most."""
    negative = np.flatnonzero(form.weights < 0.0)
    taken = form.design.sandwich_rows(negative, -2.0 * form.weights[negative])
    steps = metric.steps(preconditioner.half_inverse(np.eye(metric.rank)))
    shares = scipy.linalg.eigvalsh(steps.T @ taken @ steps)
    return bool(shares.max(initial=0.0) <= _MOST_TAKEN)
