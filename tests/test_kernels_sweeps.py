"""Compiled sweeps, tile by tile, against sums over rows in extended precision."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from newtonkit.problems import kernels
from tests.kernel_forms import EPS, FORMS, LONG, activation, activation_sizes, long, take_form

MOST, LEAST = kernels._MOST_TILE, kernels._LEAST_TILE
TILE = {4: MOST, 100: 2**15 // 100, 700: 2**15 // 700, 3000: LEAST}
LAYOUTS = ("dense", "float32", "csr", "csr float32")
ORDERS = ("rising", "falling", "mixed")
POWERS = np.array([2.0, 1.0, 1.0])


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take_form(kernels, request.param, monkeypatch)
    return request.param


def data(n: int, d: int, order: str, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, x and offsets, such that u goes from -reach to reach in the order that is asked for."""
    rng = np.random.default_rng(n + d)
    rows, x = rng.normal(size=(n, d)), rng.normal(size=d) / np.sqrt(d)
    rows[rng.random((n, d)) < 0.4] = 0.0
    steps = np.linspace(-reach, reach, n)
    steps = {"rising": steps, "falling": steps[::-1], "mixed": rng.permutation(steps)}[order]
    return rows.astype(np.float32).astype(float), x, steps.copy()


def arrays(rows: np.ndarray, layout: str) -> tuple[str, tuple[np.ndarray, ...]]:
    """The kernel for a layout, and what it takes for these rows, in CSR from the middle of more rows."""
    dtype = np.float32 if "float32" in layout else np.float64
    if not layout.startswith("csr"):
        return "dense_sweep", (rows.astype(dtype),)
    sparse = csr_array(np.concatenate((np.ones((2, rows.shape[1])), rows)))
    ends = sparse.indptr.astype(np.uint32)[2:]
    return "csr_sweep", (sparse.data.astype(dtype), sparse.indices.astype(np.uint32), ends)


def swept(rows: np.ndarray, layout: str, given: Any, normalised: bool) -> Any:
    """The scale, and what a sweep has filled in: the image, the products and the sums."""
    count = 3 if normalised else 1
    out, sums, image = np.zeros((count, rows.shape[1])), np.zeros(count), np.full(len(rows), np.nan)
    x, offset, b, s, kind = given
    name, found = arrays(rows, layout)
    scale = getattr(kernels, name)(*found, x, offset, b, s, kind, normalised, image, out, sums)
    return scale, image, out, sums


def expected(u: np.ndarray, b: np.ndarray, s: np.ndarray, kind: int, scale: float, normalised: bool) -> Any:
    """The columns of a sweep at a scale, and what they would be if nothing cancelled."""
    F, F1, _ = activation(kind, u, scale)
    f, first, _ = activation_sizes(kind, u, scale)
    B, S = long(b, np.broadcast_to(s, len(u)))
    if normalised:
        return np.array([S * F1 * F, S * F1 * B, S * F1]), np.array(
            [S * first * f, S * first * abs(B), S * first]
        )
    return np.array([S * F1 * (F - B)]), np.array([S * first * (f + np.abs(B))])


def assert_swept(rows: np.ndarray, layout: str, given: Any, normalised: bool) -> float:
    scale, image, out, sums = swept(rows, layout, given, normalised)
    x, offset, b, s, kind = given
    assert (np.abs(image - rows @ x) <= 4 * EPS * rows.shape[1] * (np.abs(rows) @ np.abs(x))).all()
    u = image + offset
    if normalised:
        assert scale == (u.max() if kind == 0 else max(u.max(), 0.0) if kind == 3 else np.abs(u).max())
    else:
        assert scale == 0.0
    columns, sizes = expected(u, b, s, kind, scale, normalised)
    reach = 8.0 + 4.0 * float(np.abs(u).max() + np.abs(scale))  # of the arguments of exp, rounded
    wide, near = rows.astype(LONG), (reach + 0.1 * len(rows)) * EPS
    assert (np.abs(out - columns @ wide) <= near * (sizes @ np.abs(wide))).all()
    assert (np.abs(sums - columns.sum(axis=1)) <= near * sizes.sum(axis=1)).all()
    return float(scale)


def others(n: int, weighted: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.normal(size=n), rng.uniform(0.0, 3.0, n) if weighted else np.array([1.75])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("kind", range(4))
def test_sums_over_several_tiles(form: str, kind: int, normalised: bool, layout: str, order: str) -> None:
    n = 2 * MOST + 1  # the last tile is a single row
    rows, x, offset = data(n, 4, order, 20.0)
    assert_swept(rows, layout, (x, offset, *others(n, True), kind), normalised)


@pytest.mark.parametrize("centre", [-2000.0, 2000.0])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("kind", range(4))
def test_normalised_sums_of_any_size(form: str, kind: int, layout: str, order: str, centre: float) -> None:
    """From the lowest u to the highest exp grows by a factor that no number can hold."""
    n = 2 * MOST + 3
    rows, x, offset = data(n, 4, order, 900.0)
    with np.errstate(over="ignore" if form == "python" else "raise"):  # of exp(-scale), which is not used
        scale = assert_swept(rows, layout, (x, offset + centre, *others(n, True), kind), True)
    assert scale >= (0.0 if kind == 3 else centre if centre < 0 and kind == 0 else 2000.0)


@pytest.mark.parametrize("n", [1, 2, 3, "tile - 1", "tile", "tile + 1", "two tiles + 3"])
@pytest.mark.parametrize("d", [d for d in TILE if d > 4])
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("normalised", [False, True])
def test_tiles_of_any_length(normalised: bool, layout: str, d: int, n: Any) -> None:
    tile = MOST if layout == "csr" else TILE[d]
    ends = {"tile - 1": tile - 1, "tile": tile, "tile + 1": tile + 1, "two tiles + 3": 2 * tile + 3}
    count = min(ends.get(n, n), 600)
    rows, x, offset = data(count, d, "rising", 3.0)
    assert_swept(rows, layout, (x, offset, *others(count, True), 0), normalised)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("normalised", [False, True])
def test_one_offset_or_weight_counts_for_all(
    form: str, normalised: bool, layout: str, shifted: bool, weighted: bool
) -> None:
    n = MOST + 1
    rows, x, offset = data(n, 4, "mixed", 2.0)
    given = x, offset if shifted else np.array([0.75]), *others(n, weighted), 1
    assert_swept(rows, layout, given, normalised)
    ones = x, given[1], given[2], np.ones(1), 1
    many = x, np.broadcast_to(given[1], n).copy(), given[2], np.ones(n), 1
    one, other = swept(rows, layout, ones, normalised), swept(rows, layout, many, normalised)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("layout", ["dense", "csr"])
def test_weights_scale_what_is_summed_up(form: str, layout: str) -> None:
    """Powers of two scale without rounding, and weights of 0 leave nothing."""
    n = MOST + 2
    rows, x, offset = data(n, 4, "mixed", 2.0)
    b = others(n, False)[0]
    for normalised in (False, True):
        for s in (np.ones(1), np.random.default_rng(1).random(n)):
            plain = swept(rows, layout, (x, offset, b, s, 2), normalised)
            double = swept(rows, layout, (x, offset, b, 4.0 * s, 2), normalised)
            for one, other in zip(plain[2:], double[2:], strict=True):
                np.testing.assert_array_equal(4.0 * one, other)
        nothing = swept(rows, layout, (x, offset, b, np.zeros(n), 2), normalised)
        assert not nothing[2].any() and not nothing[3].any()


@pytest.mark.parametrize("layout", ["dense", "csr"])
@pytest.mark.parametrize("kind", range(4))
def test_an_infinite_u_does_not_pass_for_a_number(form: str, kind: int, layout: str) -> None:
    n = MOST + 2
    rows, x, offset = data(n, 4, "mixed", 2.0)
    rows[:, 1], offset[3] = 1.0, np.inf
    with np.errstate(all="ignore" if form == "python" else "raise"):
        for normalised in (False, True):
            _, image, out, sums = swept(rows, layout, (x, offset, *others(n, True), kind), normalised)
            assert np.isfinite(image).all()
            assert not np.isfinite(out[:, 1]).any() and not np.isfinite(sums).any()


@pytest.mark.parametrize("kind", range(4))
def test_overflow_of_one_row_is_an_infinity_of_its_columns(form: str, kind: int) -> None:
    """Of an elementwise loss; columns in which the row is 0 are NaN, as in NumPy: 0 times infinity."""
    n = MOST + 2
    rows, x, offset = data(n, 4, "mixed", 2.0)
    offset[3], rows[3] = 800.0, [1.0, -1.0, 2.0, 0.0]
    with np.errstate(all="ignore" if form == "python" else "raise"):
        _, _, out, sums = swept(rows, "dense", (x, offset, *others(n, True), kind), False)
        _, _, sparse, _ = swept(rows, "csr", (x, offset, *others(n, True), kind), False)
    np.testing.assert_array_equal(out[0], [np.inf, -np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(sparse[0, :3], out[0, :3])
    assert sums[0] == np.inf and np.isfinite(sparse[0, 3])
