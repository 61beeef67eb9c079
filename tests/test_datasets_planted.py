"""Problems made to measure keep what they promise: solution, condition, coherence, density, noise."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

import newtonkit as nk
from newtonkit.datasets import PLANTED_KINDS, make_planted

ELEMENTWISE = ("exp", "cosh", "sinh")
SETTINGS = {
    "plain": {},
    "ill-conditioned and coherent": {"condition": 1e3, "coherence": 0.5},
    "sparse": {"density": 0.2, "condition": 1e4},
    "sparse and coherent": {"density": 0.3, "coherence": 0.3, "condition": 100.0},
    "groups": {"groups": 20, "condition": 10.0},
    "sparse groups": {"groups": 7, "density": 0.4, "condition": 50.0, "saturation": 6.0},
    "saturated": {"saturation": 30.0},
    "float32": {"dtype": "float32", "condition": 100.0},
}


def dense(A):
    return A.toarray() if sparse.issparse(A) else A


def leverage(A):
    return (np.linalg.svd(dense(A).astype(float), full_matrices=False)[0] ** 2).sum(axis=1)


@pytest.fixture(params=SETTINGS)
def settings(request):
    return SETTINGS[request.param]


@pytest.mark.parametrize("kind", PLANTED_KINDS)
class TestSolution:
    def made(self, kind, settings, n=600, d=10):
        options = {
            key: value for key, value in settings.items() if key != "groups" or kind not in ELEMENTWISE
        }
        return make_planted(kind, n, d, rng=1, **options)

    def test_is_stationary_to_rounding(self, kind, settings):
        made = self.made(kind, settings)
        evaluation = made.problem.evaluate(made.solution)
        assert np.linalg.norm(evaluation.gradient) <= 1e-14 * evaluation.gradient_scale
        assert (
            evaluation.value < 0.5 * made.problem.fun(1.5 * made.solution)
            or evaluation.value < 1e-12
            or (kind in ("cross-entropy", "entropy-softmax"))
        )

    def test_is_a_minimum_that_the_solver_finds_from_near(self, kind, settings):
        made = self.made(kind, settings)
        lowest = made.problem.fun(made.solution)
        result = nk.minimize(made.problem, 1.003 * made.solution, gtol=1e-10)
        assert result.success
        assert np.abs(result.x - made.solution).max() <= 1e-6 * np.abs(made.solution).max()
        for k in range(5):  # nothing near is lower, whatever the solver says
            step = 0.01 * np.random.default_rng(k).standard_normal(10) * np.abs(made.solution)
            assert made.problem.fun(made.solution + step) > lowest

    def test_reaches_as_far_as_asked(self, kind, settings):
        made = self.made(kind, settings)
        u = dense(made.A).astype(float) @ made.solution
        assert np.abs(u).max() == pytest.approx(settings.get("saturation", 3.0), rel=1e-5)
        if kind in ("rescaled-sinh", "resnet-softmax"):
            assert u.min() >= 0.0
        else:
            assert u.min() < 0.0 < u.max()

    def test_noise_moves_the_target_by_a_factor_and_nothing_else(self, kind):
        clean, noisy = (make_planted(kind, 40_000, 3, noise=noise, rng=5) for noise in (0.0, 0.25))
        factors = noisy.b / clean.b
        assert factors.min() > 0.0
        assert factors.mean() == pytest.approx(1.0, abs=0.01)
        assert factors.std() == pytest.approx(0.25, rel=0.03)
        np.testing.assert_array_equal(noisy.A, clean.A)
        np.testing.assert_array_equal(noisy.solution, clean.solution)

    def test_makes_the_class_of_that_name(self, kind):
        made = make_planted(kind, 30, 2, rng=0)
        names = {
            "entropy-softmax": "EntropySoftmaxRegression",
            "resnet-softmax": "ResNetSoftmaxRegression",
            "cross-entropy": "SoftmaxCrossEntropy",
        }
        stem = "rescaled" if kind.startswith("rescaled") else kind
        assert type(made.problem).__name__ == names.get(kind, f"{stem.capitalize()}Regression")
        if kind.startswith("rescaled"):
            assert made.problem.activation.name == kind.removeprefix("rescaled-")


class TestDesign:
    def test_has_the_condition_number_asked_for(self, settings):
        A = dense(make_planted("softmax", 500, 12, rng=3, **settings).A).astype(float)
        values = np.linalg.svd(A, compute_uv=False)
        wanted = np.sqrt(500) * np.geomspace(1.0, 1.0 / settings.get("condition", 1.0), 12)
        rounding = 1e-5 if settings.get("dtype") == "float32" else 1e-10
        np.testing.assert_allclose(values, wanted, rtol=rounding)

    @pytest.mark.parametrize("density", [1.0, 0.5])
    @pytest.mark.parametrize("coherence", [0.05, 0.5, 0.999])
    def test_has_heavy_rows_with_the_leverage_asked_for(self, density, coherence):
        made = make_planted("exp", 400, 8, coherence=coherence, density=density, condition=30.0, rng=4)
        scores = leverage(made.A)
        assert made.heavy_rows.shape == (8,)
        assert (np.diff(made.heavy_rows) > 0).all()
        np.testing.assert_allclose(scores[made.heavy_rows], coherence, rtol=1e-9)
        assert scores[made.heavy_rows].sum() / 8 == pytest.approx(coherence)
        light = np.delete(scores, made.heavy_rows)
        assert light.sum() == pytest.approx((1.0 - coherence) * 8)
        assert light.max() < 12.0 * (1.0 - coherence) * 8 / 400

    def test_has_no_heavy_rows_unless_asked(self):
        made = make_planted("exp", 2000, 8, condition=1e4, rng=4)
        assert len(made.heavy_rows) == 0
        assert leverage(made.A).max() < 6.0 * 8 / 2000

    @pytest.mark.parametrize("coherence", [0.0, 0.4])
    @pytest.mark.parametrize("density", [0.05, 0.06, 0.1, 0.37, 0.9, 0.999])
    def test_has_the_share_of_nonzeros_asked_for(self, density, coherence):
        made = make_planted("exp", 900, 20, density=density, coherence=coherence, rng=2)
        assert isinstance(made.A, sparse.csr_array)
        assert made.A.has_canonical_format
        rows = np.diff(made.A.indptr)
        assert rows.min() >= 1, "no row is empty"
        full = sum(2 if made.heavy_rows.size and k in made.heavy_rows else 20 for k in range(900))
        assert abs(made.A.nnz - min(density * 900 * 20, full)) <= 20
        assert np.linalg.norm(dense(made.A).T @ dense(made.A) - 900 * np.eye(20)) < 1e-9 * 900

    def test_sparse_columns_are_mixed_where_there_is_room(self):
        """Else a change of units of the columns would undo the condition."""
        A = dense(make_planted("exp", 900, 20, density=0.2, condition=1e6, rng=2).A)
        assert np.linalg.cond(A / np.linalg.norm(A, axis=0)) > 30.0

    def test_groups_are_runs_of_equal_size(self):
        made = make_planted("softmax", 103, 4, groups=10, rng=0)
        assert (np.diff(made.groups) >= 0).all()
        assert set(np.bincount(made.groups)) == {10, 11}
        assert len(made.problem.outer.groups) == 10
        np.testing.assert_allclose(np.bincount(made.groups, made.b), 1.0)

    def test_is_kept_as_asked(self):
        for density in (1.0, 0.5):
            for dtype in ("float32", np.float32, np.dtype("float64")):
                assert make_planted("exp", 50, 4, dtype=dtype, density=density, rng=0).A.dtype == dtype

    @pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 1), (2, 2), (3, 3), (40, 40)])
    def test_may_be_as_small_as_it_gets(self, n, d):
        made = make_planted("sinh", n, d, rng=0, condition=1.0 if d == 1 else 5.0)
        assert np.linalg.cond(made.A) == pytest.approx(1.0 if d == 1 else 5.0)
        assert make_planted("sinh", 2 * n, d, coherence=0.9, rng=0).A.shape == (2 * n, d)
        assert make_planted("softmax", n + 1, d, rng=0).problem.n_parameters == d

    def test_with_many_rows_takes_no_more_than_the_rows(self):
        made = make_planted("softmax", 200_000, 5, groups=50_000, condition=100.0, coherence=0.5, rng=0)
        gram = made.A.T @ made.A / 200_000
        assert np.linalg.cond(gram) == pytest.approx(1e4, rel=1e-8)


@pytest.mark.parametrize("density", [1.0, 0.4])
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(density):
    def bits(seed):
        made = make_planted(
            "softmax", 5000, 10, coherence=0.2, density=density, noise=0.1, groups=3, rng=seed
        )
        return [dense(made.A).tobytes(), made.b.tobytes(), made.solution.tobytes(), made.heavy_rows.tobytes()]

    first = bits(7)
    assert bits(np.random.default_rng(7)) == first
    with threadpool_limits(limits=1):
        assert bits(7) == first
    with threadpool_limits(limits=2):
        assert bits(7) == first
    assert all(a != b for a, b in zip(first, bits(8), strict=True))
    assert bits(None) != bits(None)


def test_a_planted_problem_is_frozen():
    made = make_planted("exp", 20, 2, rng=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.kind = "cosh"
    assert made == made
    assert made != make_planted("exp", 20, 2, rng=0)
    assert made.groups is None


REFUSED = [
    ("kind", "logistic", ValueError),
    ("kind", None, ValueError),
    ("kind", ["exp"], ValueError),
    ("n", 0, ValueError),
    ("n", 2.0, TypeError),
    ("n", True, TypeError),
    ("n", np.array([5]), TypeError),
    ("n", np.timedelta64(40, "s"), TypeError),
    ("n", 12, ValueError),
    ("n", 10**30, ValueError),
    ("d", -1, ValueError),
    ("d", "3", TypeError),
    ("condition", 0.5, ValueError),
    ("condition", 1e13, ValueError),
    ("condition", np.nan, ValueError),
    ("condition", "high", TypeError),
    ("coherence", 1.0, ValueError),
    ("coherence", -0.1, ValueError),
    ("coherence", None, TypeError),
    ("density", 0.0, ValueError),
    ("density", 0.05, ValueError),
    ("density", 1.5, ValueError),
    ("density", True, TypeError),
    ("noise", -1.0, ValueError),
    ("noise", 10**400, ValueError),
    ("noise", np.timedelta64(1, "s"), TypeError),
    ("noise", np.inf, ValueError),
    ("noise", [0.1], TypeError),
    ("groups", 0, ValueError),
    ("groups", 21, ValueError),
    ("groups", [0, 1], TypeError),
    ("saturation", 0.0, ValueError),
    ("saturation", 101.0, ValueError),
    ("saturation", 1j, TypeError),
    ("dtype", "int64", ValueError),
    ("dtype", "float16", ValueError),
    ("dtype", "no such type", ValueError),
    ("dtype", None, ValueError),
    ("rng", "seed", TypeError),
    ("rng", -1, ValueError),
]


@pytest.mark.parametrize(("argument", "value", "error"), REFUSED, ids=lambda part: str(part)[:30])
def test_what_cannot_be_made_is_refused_by_name(argument, value, error):
    settings = {"kind": "softmax", "n": 40, "d": 10, "coherence": 0.1, "groups": 2, argument: value}
    with pytest.raises(error, match=rf"^{argument}\b"):
        make_planted(settings.pop("kind"), settings.pop("n"), settings.pop("d"), **settings)


def test_what_does_not_go_together_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^groups must be 1 for kind 'exp'"):
        make_planted("exp", 40, 3, groups=2)
    with pytest.raises(ValueError, match=r"^condition must be 1 for a single column"):
        make_planted("exp", 40, 1, condition=2.0)
    with pytest.raises(ValueError, match=r"^n must be at least 4 "):
        make_planted("softmax", 3, 3)
    assert make_planted("exp", 3, 3).problem.n_parameters == 3
