"""The non-convex grid: seeded problems on which every change of the solver is judged.

Run it with ``python -m tests.grid`` (see :mod:`tests.run_grid`); ``cases()`` lists it.

Every axis of a kind of problem is a column of values repeated to the length of the list and
shuffled with a fixed seed, so that each value meets many values of the others.  The axes are
the fields of :class:`Case`.  Points are "natural": A x is of order one whatever the
condition and the scale of A, so weak directions matter as much as strong ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import scipy.sparse

import newtonkit as nk
from tests.grid_data import draw_data, inside, natural_point

SHAPES = (
    *((20, 1), (20, 5), (50, 3), (60, 10), (100, 2), (200, 8), (400, 20), (500, 5)),
    *((1000, 10), (1500, 30), (3000, 5), (3000, 30), (20, 30), (25, 30)),
)
CONDITIONS = (1.0, 1e2, 1e4, 1e6)
LAYOUTS = ("spectrum", "spectrum", "columns", "coherent", "coherent3", "lonely", "constant")
TARGETS = ("planted", "planted", "noisy", "noisy", "concentrated", "random")
STARTS = ("zero", "zero", "random", "wild")
STORAGES = ("dense",) * 6 + ("float32", "csr")
SCALES = (1.0, 1.0, 1.0, 1e-6, 1e-3, 1e3, 1e6)
GROUPINGS = ("one", "groups", "one", "shuffled")
RIDGES = (0.0, 0.0, 1e-6, 1e-3)
PLATEAUS = (  # seed, n, d, condition, grouping, start
    *((9000 + i, 200, 4, 1.0, "one", start) for i, start in enumerate(("far200", "far600", "far2000"))),
    *((9003 + i, 200, 4, 1e2, "groups", start) for i, start in enumerate(("far200", "far600", "far2000"))),
    *((9007 + i, 200, 4, 1e2, "pairs", start) for i, start in ((0, "far200"), (2, "far2000"))),
    *((9010 + i, 60, 3, 1.0, "pairs", start) for i, start in enumerate(("far60", "far200", "far600"))),
)

KINDS: dict[str, tuple[str, str, int]] = {  # name: structure, activation, how many
    "softmax": ("normalised", "exp", 42),
    "resnet": ("normalised", "exp_plus_identity", 32),
    "entropy": ("normalised", "exp", 26),
    "rescaled_exp": ("rescaled", "exp", 14),
    "rescaled_cosh": ("rescaled", "cosh", 16),
    "rescaled_sinh": ("rescaled", "sinh", 14),
    "exp": ("elementwise", "exp", 14),
    "cosh": ("elementwise", "cosh", 26),
    "sinh": ("elementwise", "sinh", 26),
}


@dataclass(frozen=True)
class Case:
    """One problem of the grid with its start; data are drawn from the seed when first asked for.

    Attributes
    ----------
    name, kind, structure, activation : str
        What it is called, which of `KINDS`, and what its residual is made of.
    n, d : int
        Shape of A.
    condition : float
        Ratio of the extreme singular values of A (of its column norms for "columns"), before
        the layout is applied.
    layout : str
        "spectrum" (U diag(s) V^T), "columns" (column scaling), "coherent", "coherent3" (one
        or three rows 1e2 to 1e4 times the others), "lonely" (one row carries a direction
        alone), "constant" (a column of ones).
    target : str
        "planted" (b is the model at x_true), "noisy" (the same with noise), "concentrated"
        (almost one-hot, or heavy-tailed where b is no distribution), "random" (unrelated to A),
        "separable" (one-hot where the model at x_true is largest in each group: no finite minimiser).
    scale : float
        Scale of A.
    b_scale : float
        Scale of b, elementwise problems only.
    grouping : str
        "one", "groups", "shuffled" (groups whose rows are not consecutive), or "pairs" (two opposite
        rows in each group: a sigmoid).
    ridge : float
        Ridge, relative to the typical curvature of the rows.
    penalty : bool
        Whether that is a penalty on the rows of A x rather than on x.
    start : str
        "zero", "random" (A x0 of order 1), "wild" (of order 10), "far60" (of order 60) and so on.
    storage : str
        "dense", "float32" or "csr".
    seed : int
        Seed of everything random in it.
    """

    name: str
    kind: str
    structure: str
    activation: str
    n: int
    d: int
    condition: float
    layout: str
    target: str
    scale: float
    b_scale: float
    grouping: str
    ridge: float
    penalty: bool
    start: str
    storage: str
    seed: int

    @cached_property
    def raw(self) -> Any:
        """The data: A (float64), b, groups, ridge, penalty_weights, offset, entropy_weight, x0, x_true."""
        return draw_data(self)

    @property
    def x0(self) -> np.ndarray | None:
        """The start, None for zeros."""
        return self.raw.x0

    @property
    def x_true(self) -> np.ndarray | None:
        """The point that the target was made from, None where there is none."""
        return self.raw.x_true

    def make(self) -> nk.problems.Problem:
        """Return the problem."""
        raw = self.raw
        A: Any = raw.A
        if self.storage != "dense":
            A = A.astype(np.float32) if self.storage == "float32" else scipy.sparse.csr_array(A)
        options = {"ridge": raw.ridge, "penalty_weights": raw.penalty_weights, "offset": raw.offset}
        if self.structure != "elementwise":
            options["groups"] = raw.groups
        if self.kind == "entropy":
            options["entropy_weight"] = raw.entropy_weight
        if self.structure == "rescaled":
            options["activation"] = self.activation
        return CLASSES[self.kind](A, raw.b, **options)

    def random_start(self, index: int, size: float = 1.0) -> np.ndarray:
        """Return a start with A x of order `size`, inside the domain."""
        rng = np.random.default_rng([self.seed, 1 + index])
        return inside(self, self.raw, natural_point(self.raw.A, rng, size))


CLASSES: dict[str, Any] = {
    "softmax": nk.SoftmaxRegression,
    "resnet": nk.ResNetSoftmaxRegression,
    "entropy": nk.EntropySoftmaxRegression,
    "rescaled_exp": nk.RescaledRegression,
    "rescaled_cosh": nk.RescaledRegression,
    "rescaled_sinh": nk.RescaledRegression,
    "exp": nk.ExpRegression,
    "cosh": nk.CoshRegression,
    "sinh": nk.SinhRegression,
}


def cases() -> Iterator[Case]:
    """Yield every case, the same list at every call."""
    for number, (kind, (structure, activation, count)) in enumerate(KINDS.items()):
        rng = np.random.default_rng([20240, number])

        def column(values: Any, rng: Any = rng, count: int = count) -> list[Any]:
            repeated = [values[i % len(values)] for i in range(count)]
            return [repeated[i] for i in rng.permutation(count)]

        both = list(product(CONDITIONS, TARGETS))
        elementwise, bounded = structure == "elementwise", kind not in ("rescaled_exp", "rescaled_sinh")
        columns = {
            "shape": column(SHAPES),
            "both": column(both if count >= len(both) else [both[i] for i in rng.permutation(len(both))]),
            "layout": column(LAYOUTS),
            "scale": column(SCALES),
            "b_scale": column((1.0, 1.0, 1e-6, 1e-3, 1e3, 1e6) if elementwise else (1.0,)),
            "grouping": column(("one",) if elementwise or kind == "rescaled_sinh" else GROUPINGS),
            "ridge": column(RIDGES if bounded else (1e-3, 1e-6)),
            "penalty": column((False, False, False, True)),
            "start": column(("random", "wild", "zero") if kind == "rescaled_sinh" else STARTS),
            "storage": column(STORAGES),
        }
        for i in range(count):
            row = {name: values[i] for name, values in columns.items()}
            (n, d), (condition, target) = row.pop("shape"), row.pop("both")
            name = (
                (
                    f"{kind}-{i:02d}-{n}x{d}-cond{condition:.0e}-{row['layout']}-{target}-A{row['scale']:.0e}"
                    f"-b{row['b_scale']:.0e}-{row['grouping']}-ridge{row['ridge']:.0e}"
                    f"{'rows' if row['penalty'] else ''}-{row['start']}-{row['storage']}"
                )
                .replace("e+0", "e")
                .replace("e-0", "e-")
            )
            seed = 1000 * number + i
            yield Case(name, kind, structure, activation, n, d, condition, target=target, seed=seed, **row)
    yield from plateaus()


def plateaus() -> Iterator[Case]:
    """Yield softmax cases with separable targets, most of which start on a plateau of the loss."""
    for seed, n, d, condition, grouping, start in PLATEAUS:
        name = f"plateau-{seed - 9000:02d}-{n}x{d}-cond{condition:.0e}-{grouping}-{start}".replace("e+0", "e")
        yield Case(
            name,
            kind="softmax",
            structure="normalised",
            activation="exp",
            n=n,
            d=d,
            condition=condition,
            layout="spectrum",
            target="separable",
            scale=1.0,
            b_scale=1.0,
            grouping=grouping,
            ridge=0.0,
            penalty=False,
            start=start,
            storage="dense",
            seed=seed,
        )


if __name__ == "__main__":
    from tests.run_grid import main

    raise SystemExit(main())
