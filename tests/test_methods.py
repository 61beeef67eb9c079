"""The methods of nk.minimize: which one "auto" takes, seeds, notes, limits, and every sort of data."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.results import Status
from tests.quadratic import Quadratic, QuadraticPoint

APPROXIMATE = ("sketched", "sampled")


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = nk.get_num_threads()
    yield
    nk.set_num_threads(before)


def planted(n: int = 6000, d: int = 36, kind: Any = "softmax", **options: Any) -> nk.datasets.PlantedProblem:
    return nk.datasets.make_planted(kind, n, d, **{"rng": 1, "condition": 10.0, **options})


# "auto"


def ordinary(n: int, d: int, **options: Any) -> nk.ExpRegression:
    return nk.ExpRegression(np.random.default_rng(0).normal(size=(n, d)) / 20.0, np.ones(n), **options)


@pytest.mark.parametrize(
    ("n", "d", "method", "words"),
    [
        (500, 3, "exact", "d = 3"),
        (5000, 20, "exact", "d = 20"),
        (1500, 150, "exact", "n = 1500"),
        (9000, 150, "sketched", "d = 150"),
    ],
)
def test_auto_goes_by_the_shape_and_says_why(n: int, d: int, method: Any, words: str) -> None:
    problem = ordinary(n, d)
    for result in (nk.minimize(problem, rng=0), nk.minimize(problem, rng=0, method="auto")):
        assert result.method == method
        assert words in result.method_reason
        assert result.success
    asked = nk.minimize(problem, rng=0, method=method)
    assert asked.method_reason == ""
    np.testing.assert_array_equal(asked.x, result.x)


def test_an_intercept_counts_as_a_column() -> None:
    """Auto changes its mind at one number of columns, be the last of them virtual or not."""
    fewest, most = 3, 150
    while most - fewest > 1:
        middle = (fewest + most) // 2
        if nk.minimize(ordinary(9000, middle), rng=0, max_iter=0).method == "exact":
            fewest = middle
        else:
            most = middle
    assert nk.minimize(ordinary(9000, fewest), rng=0, max_iter=0).method == "exact"
    assert nk.minimize(ordinary(9000, fewest, fit_intercept=True), rng=0, max_iter=0).method == "sketched"


def test_auto_takes_the_exact_method_for_what_is_not_made_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuadraticPoint, "loss_scale", 1.0, raising=False)
    result = nk.minimize(Quadratic(np.ones(50), np.diag(np.arange(1.0, 51.0)), np.eye(50)))
    assert result.success
    assert result.method == "exact"
    assert "not made of rows" in result.method_reason


@pytest.mark.parametrize("method", ["exact", *APPROXIMATE])
def test_the_result_names_the_method(method: Any) -> None:
    result = nk.minimize(planted(300, 3).problem, method=method, rng=0)
    assert result.method == method
    assert result.method_reason == ""
    assert "method" in repr(result)


# Seeds


def bits(result: nk.MinimizeResult) -> list[object]:
    return [
        result.x.tobytes(),
        result.fun,
        result.status,
        [
            (
                r.value,
                r.gradient_norm,
                repr(r.ratio),
                r.radius,
                r.rows_sampled,
                r.inner_iterations,
                r.passes,
                r.note,
            )
            for r in result.history
        ],
    ]


@pytest.mark.parametrize("layout", ["dense", "float32", "CSR"])
@pytest.mark.parametrize("kind", ["softmax", "resnet-softmax"])
@pytest.mark.parametrize("method", APPROXIMATE)
def test_a_seed_gives_the_same_bits_for_any_number_of_threads(method: Any, kind: str, layout: str) -> None:
    made = planted(
        40_000,
        33,
        kind,
        dtype="float32" if layout == "float32" else "float64",
        density=0.2 if layout == "CSR" else 1.0,
    )
    assert len(made.problem.design.blocks) >= 2
    found = []
    for threads in (1, 2, 3):
        nk.set_num_threads(threads)
        epsilon = 0.5 if method == "sampled" else None
        result = nk.minimize(made.problem, method=method, rng=5, epsilon=epsilon, max_iter=3)
        assert all(record.rows_sampled < 40_000 for record in result.history)
        found.append(bits(result))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("method", APPROXIMATE)
def test_seeds_generators_and_other_seeds(method: Any) -> None:
    problem = planted().problem
    options: dict[str, Any] = {"method": method, "epsilon": 0.5 if method == "sampled" else None}
    one = nk.minimize(problem, rng=3, **options)
    assert bits(one) == bits(nk.minimize(problem, rng=np.random.default_rng(3), **options))
    generator = np.random.default_rng(3)
    first, second = (nk.minimize(problem, rng=generator, **options) for _ in range(2))
    assert bits(one) == bits(first)
    others = [second, nk.minimize(problem, rng=4, **options), nk.minimize(problem, **options)]
    for other in others:
        assert [r.rows_sampled for r in other.history] != [r.rows_sampled for r in one.history]
        assert other.success
        assert np.abs(problem.design.product(other.x - one.x)).max() < 1e-5


@pytest.mark.parametrize("method", ["auto", "exact", *APPROXIMATE])
def test_the_global_random_state_is_left_alone(method: Any) -> None:
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()  # noqa: NPY002
    nk.minimize(planted().problem, method=method, starts=2)
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_random_starts_differ_from_what_keys_the_samples() -> None:
    result = nk.minimize(planted(kind="cosh").problem, method="sketched", starts=3, rng=0)
    assert len({value for value, _ in result.starts}) == 3
    again = nk.minimize(planted(kind="cosh").problem, method="sketched", starts=3, rng=0)
    assert result.starts == again.starts


# Notes


@pytest.fixture
def without_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every step with all rows."""
    monkeypatch.setattr("newtonkit.approximate.opening.Opening.n_rows", 0)


@pytest.mark.usefixtures("without_opening")
def test_the_first_sample_and_a_moved_weight_leave_a_note() -> None:
    result = nk.minimize(planted(saturation=6.0).problem, method="sketched", rng=0)
    notes = [record.note for record in result.history]
    assert "first sample" in notes[0]
    assert any("weights" in note and "new sample" in note for note in notes[1:])
    assert result.success


@pytest.mark.usefixtures("without_opening")
def test_a_sum_of_weights_that_changed_leaves_a_note() -> None:
    """All weights by the same factor: their logarithms move alike."""
    rng = np.random.default_rng(0)
    a = np.column_stack((rng.normal(size=(6000, 35)) / 20.0, np.ones(6000)))
    result = nk.minimize(nk.ExpRegression(a, np.full(6000, 20.0)), method="sketched", rng=0)
    assert any("weight" in record.note and "new sample" in record.note for record in result.history[1:])
    assert result.success


def test_rows_whose_weights_vanish_lose_directions_and_say_so() -> None:
    """Half of the columns only have rows with exp(u) = 0 to the last bit."""
    rng = np.random.default_rng(0)
    a = np.zeros((6000, 40))
    a[:3000, :20], a[3000:, 20:] = rng.normal(size=(2, 3000, 20)) / 5.0
    offset = np.where(np.arange(6000) < 3000, 0.0, -800.0)
    result = nk.minimize(nk.ExpRegression(a, np.ones(6000), offset=offset), method="sketched", rng=0)
    assert "20 of 40 directions have no curvature" in result.history[0].note
    assert np.isfinite(result.x).all()
    assert not result.x[20:].any()


# Limits


@pytest.mark.usefixtures("without_opening")
@pytest.mark.parametrize("method", APPROXIMATE)
def test_limits_and_interruptions_return_the_best_point_so_far(method: Any) -> None:
    problem = planted(kind="exp", saturation=5.0).problem

    def run(**options: Any) -> nk.MinimizeResult:
        return nk.minimize(problem, method=method, rng=0, **options)

    def raising(error: type[BaseException]) -> Any:
        def callback(record: Any) -> None:
            if record.iteration == 2:
                raise error

        return callback

    whole = run()
    assert whole.success
    assert whole.nit > 3
    for options, status in (
        ({"callback": raising(StopIteration)}, Status.STOPPED_BY_CALLBACK),
        ({"callback": raising(KeyboardInterrupt)}, Status.INTERRUPTED),
        ({"max_iter": 2}, Status.MAX_ITER),
    ):
        result = run(**options)
        assert result.status is status
        assert not result.success
        assert result.nit == 2
        assert result.fun == pytest.approx(whole.history[2].value, rel=1e-12)
    result = run(max_time=0.0)
    assert result.status is Status.MAX_TIME
    assert result.fun == problem.fun(np.zeros(36))
