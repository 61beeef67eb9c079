"""What the covariances are: derivatives by differences, rows repeated, data in every form."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse

import newtonkit as nk
from newtonkit.statistics.clusters import Clusters
from newtonkit.statistics.gram import CentredGram, ClusterGram
from newtonkit.statistics.likelihood import likelihood_at

KINDS = ("classical", "sandwich", "clustered")
N, D, GROUPS = 240, 4, 60


def noisy(kind, seed=0, **options):
    """An elementwise regression with errors, its clusters out of order."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(N, D)) / 2
    f = {"exp": np.exp, "cosh": np.cosh, "sinh": np.sinh}[kind]
    b = f(A @ [0.6, -0.4, 0.5, 0.3]) + 0.3 * rng.normal(size=N)
    names = {"exp": nk.ExpRegression, "cosh": nk.CoshRegression, "sinh": nk.SinhRegression}
    return names[kind](A, b, **options), rng.integers(0, 30, N)


def choices(seed=0, groups=True, **options):
    """Choices between four rows each, the groups scattered over the rows, and clusters of groups."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(N, D))
    label = rng.permutation(np.repeat(np.arange(GROUPS), N // GROUPS))
    gumbel = A @ [0.6, -0.4, 0.5, 0.3] + rng.gumbel(size=N)
    chosen = np.array([gumbel[k] == gumbel[label == label[k]].max() for k in range(N)])
    return nk.SoftmaxCrossEntropy(A, chosen.astype(float), groups=label, **options), label % 13


def solved(problem):
    x0 = np.full(problem.n_parameters, 0.3)
    x0[1] = -0.3  # away from the saddle of cosh at 0
    result = nk.minimize(problem, x0, gtol=1e-13)
    assert result.success
    return result


def same(ours, theirs, rtol=1e-9):
    for kind in KINDS:
        np.testing.assert_allclose(ours.covariance(kind), theirs.covariance(kind), rtol=rtol, atol=1e-12)
    for name in (
        "n_observations",
        "n_clusters",
        "degrees_of_freedom",
        "dispersion",
        "log_likelihood",
        "aic",
        "bic",
    ):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-10), name


class TestDerivatives:
    @pytest.mark.parametrize("kind", ["exp", "cosh", "sinh"])
    def test_information_of_elementwise_regressions(self, kind):
        """The Jacobian of f and that of the gradient, by central differences."""
        problem, _ = noisy(kind, sample_weight=np.arange(N) % 3 + 1.0, offset=np.linspace(-0.1, 0.2, N))
        x = solved(problem).x
        steps = 1e-5 * np.eye(D)
        jacobian = np.stack([(problem.predict(x + h) - problem.predict(x - h)) / 2e-5 for h in steps], axis=1)
        hessian = np.stack([(problem.jac(x + h) - problem.jac(x - h)) / 2e-5 for h in steps], axis=1)
        at = likelihood_at(problem.evaluate(x))
        weights = problem.outer.row_weights
        expected = jacobian.T @ (weights[:, None] * jacobian)
        np.testing.assert_allclose(CentredGram(problem, at.expected).dense(), expected, rtol=1e-7)
        np.testing.assert_allclose(CentredGram(problem, at.observed).dense(), hessian, rtol=1e-6, atol=1e-6)
        scores = jacobian * (problem.predict(x) - problem.outer.target)[:, None]
        squares = CentredGram(problem, at.products).dense()
        np.testing.assert_allclose(squares, scores.T @ (weights[:, None] * scores), rtol=1e-6, atol=1e-7)
        gaps = np.abs(CentredGram(problem, at.observed).dense() / expected - 1.0)
        assert gaps.max() > 1e-3, "the two kinds of information differ here"

    def test_information_of_choices(self):
        problem, _ = choices(offset=np.linspace(-0.5, 0.5, N))
        x = solved(problem).x
        steps = 1e-5 * np.eye(D)
        hessian = np.stack([(problem.jac(x + h) - problem.jac(x - h)) / 2e-5 for h in steps], axis=1)
        at = likelihood_at(problem.evaluate(x))
        np.testing.assert_allclose(CentredGram(problem, at.expected, at.shares).dense(), hessian, rtol=1e-7)

    def test_scores_of_choices_one_by_one(self):
        problem, _ = choices()
        x = solved(problem).x
        A, b, p = (
            problem.design.to_dense(),
            problem.outer.target,
            problem.predicted(problem.evaluate(x).u, problem.outer.groups),
        )
        starts = problem.outer.groups.starts
        scores = np.add.reduceat((p - b)[:, None] * A, starts, axis=0)
        at = likelihood_at(problem.evaluate(x))
        meat = CentredGram(problem, at.products, at.shares).dense()
        np.testing.assert_allclose(meat, scores.T @ scores, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("make", [lambda: noisy("exp"), choices], ids=["exp", "choices"])
    def test_covariances_by_formula(self, make):
        problem, clusters = make()
        x = solved(problem).x
        A, at = problem.design.to_dense(), likelihood_at(problem.evaluate(x))
        order = getattr(problem, "row_order", None)
        labels = clusters if order is None else clusters[order]
        sums = np.stack([at.scores[labels == c] @ A[labels == c] for c in np.unique(clusters)])
        bread = np.linalg.inv(np.asarray(problem.hess(x)))
        count, n, d = len(sums), at.n_observations, D
        inferred = nk.inference(problem, x, clusters=clusters)
        plain = nk.inference(problem, x, clusters=clusters, small_sample=False)
        expected = bread @ sums.T @ sums @ bread
        np.testing.assert_allclose(plain.covariance("clustered"), expected, rtol=1e-9)
        factor = count / (count - 1) * (n - 1) / (n - d)
        np.testing.assert_allclose(inferred.covariance("clustered"), factor * expected, rtol=1e-9)


class TestMultiplicity:
    @pytest.mark.parametrize("kind", ["exp", "cosh", "sinh"])
    def test_weights_are_rows_repeated(self, kind):
        plain, clusters = noisy(kind)
        A, b = plain.design.to_dense(), plain.outer.target
        times = np.arange(N) % 4  # some rows not at all
        weighted = type(plain)(A, b, sample_weight=times.astype(float))
        repeated = type(plain)(np.repeat(A, times, axis=0), np.repeat(b, times))
        x = solved(weighted).x
        ours = nk.inference(weighted, x, clusters=clusters)
        same(ours, nk.inference(repeated, x, clusters=np.repeat(clusters, times)))

    def test_clusters_of_rows_without_weight_do_not_count(self):
        plain, clusters = noisy("exp")
        A, b = plain.design.to_dense(), plain.outer.target
        weights = (clusters > 3).astype(float)
        weighted = nk.ExpRegression(A, b, sample_weight=weights)
        fewer = nk.ExpRegression(A[clusters > 3], b[clusters > 3])
        x = solved(fewer).x
        ours = nk.inference(weighted, x, clusters=clusters)
        same(ours, nk.inference(fewer, x, clusters=clusters[clusters > 3]))
        assert ours.n_clusters == 26

    def test_weights_are_choices_repeated(self):
        plain, clusters = choices()
        order = np.argsort(plain.row_order)
        A, b, labels = plain.design.to_dense()[order], plain.outer.target[order], _labels(plain)
        times = labels % 3
        weighted = nk.SoftmaxCrossEntropy(A, b, groups=labels, sample_weight=times.astype(float))
        rows = np.concatenate([np.flatnonzero(times > k) for k in range(2)])
        again = np.concatenate([labels[times > k] + 1000 * k for k in range(2)])
        repeated = nk.SoftmaxCrossEntropy(A[rows], b[rows], groups=again)
        x = solved(weighted).x
        same(nk.inference(weighted, x, clusters=clusters), nk.inference(repeated, x, clusters=clusters[rows]))

    def test_groups_without_a_choice_do_not_count(self):
        rng = np.random.default_rng(3)
        A, groups = rng.normal(size=(60, 2)), np.repeat(np.arange(20), 3)
        chosen = (np.arange(60) % 3 == rng.integers(0, 3, 20)[groups]).astype(float)
        made = groups >= 4
        some = nk.SoftmaxCrossEntropy(A, chosen * made, groups=groups)
        fewer = nk.SoftmaxCrossEntropy(A[made], chosen[made], groups=groups[made])
        x = solved(fewer).x
        same(nk.inference(some, x, clusters=groups // 2), nk.inference(fewer, x, clusters=groups[made] // 2))

    def test_counts_are_choices_one_by_one(self):
        rng = np.random.default_rng(3)
        A, counts = rng.normal(size=(40, 3)), rng.integers(0, 4, 40).astype(float)
        groups = np.repeat(np.arange(8), 5)
        together = nk.SoftmaxCrossEntropy(A, counts, groups=groups)
        singles = [(np.flatnonzero(groups == groups[i]), i) for i in range(40) for _ in range(int(counts[i]))]
        rows = np.concatenate([members for members, _ in singles])
        chosen = np.concatenate([(members == i).astype(float) for members, i in singles])
        apart = nk.SoftmaxCrossEntropy(A[rows], chosen, groups=np.repeat(np.arange(len(singles)), 5))
        x = solved(together).x
        ours = nk.inference(together, x, clusters=groups % 4)
        same(ours, nk.inference(apart, x, clusters=groups[rows] % 4))
        assert ours.n_observations == counts.sum()


def _labels(problem):
    """The groups of the rows in the caller's order."""
    groups = problem.outer.groups
    labels = np.empty(N, dtype=int)
    labels[problem.row_order] = np.repeat(np.arange(len(groups)), groups.counts)
    return labels


class TestForms:
    """The same data in another form gives the same inference."""

    @pytest.mark.parametrize("form", [np.asfortranarray, scipy.sparse.csr_array, scipy.sparse.csc_matrix])
    @pytest.mark.parametrize("make", [lambda: noisy("exp"), choices], ids=["exp", "choices"])
    def test_designs(self, make, form):
        problem, clusters = make()
        A, order = problem.design.to_dense(), getattr(problem, "row_order", None)
        groups = {} if order is None else {"groups": np.repeat(np.arange(GROUPS), N // GROUPS)}
        labels = clusters if order is None else clusters[order]
        other = type(problem)(form(A), problem.outer.target, **groups)
        x = solved(problem).x
        same(nk.inference(other, x, clusters=labels), nk.inference(problem, x, clusters=clusters))

    def test_single_precision(self):
        problem, clusters = noisy("exp")
        rounded = problem.design.to_dense().astype(np.float32)
        single, double = (nk.ExpRegression(A, problem.outer.target) for A in (rounded, rounded.astype(float)))
        x = solved(double).x
        same(nk.inference(single, x, clusters=clusters), nk.inference(double, x, clusters=clusters))

    def test_intercept(self):
        problem, clusters = noisy("exp")
        A, b = problem.design.to_dense(), problem.outer.target
        virtual = nk.ExpRegression(scipy.sparse.csr_array(A), b, fit_intercept=True)
        written = nk.ExpRegression(np.column_stack((A, np.ones(N))), b)
        x = solved(written).x
        ours = nk.inference(virtual, x, clusters=clusters)
        same(ours, nk.inference(written, x, clusters=clusters))
        assert ours.names == ("x1", "x2", "x3", "x4", "intercept")

    def test_clusters_need_not_be_in_order_nor_fit_into_one_lot(self, monkeypatch):
        problem, clusters = noisy("exp")
        clusters = np.where(clusters < 8, 0, clusters)  # one that is larger than a lot
        scores = np.random.default_rng(1).normal(size=N)
        A = problem.design.to_dense()
        sums = np.stack([scores[clusters == c] @ A[clusters == c] for c in np.unique(clusters)])
        order = np.argsort(clusters, kind="stable")
        sorted_problem = nk.ExpRegression(A[order], problem.outer.target[order])
        for lot in (4, 4 * 7, 4 * N, 10**6):
            monkeypatch.setattr("newtonkit.statistics.gram._CHUNK_ENTRIES", lot)
            found = Clusters.of([f"village {c}" for c in clusters], problem)
            gram = ClusterGram(problem.design, scores, found.runs, found.order)
            np.testing.assert_allclose(gram.dense(), sums.T @ sums, rtol=1e-11)
        found = Clusters.of(clusters[order], sorted_problem)
        assert found.order is None
        gram = ClusterGram(sorted_problem.design, scores[order], found.runs, None)
        np.testing.assert_allclose(gram.dense(), sums.T @ sums, rtol=1e-11)

    def test_clusters_of_single_rows_are_the_plain_sandwich(self):
        problem, _ = noisy("sinh")
        x = solved(problem).x
        ours = nk.inference(problem, x, clusters=np.random.default_rng(0).permutation(N), small_sample=False)
        np.testing.assert_allclose(ours.covariance("clustered"), ours.covariance("sandwich"), rtol=1e-10)

    def test_many_rows_in_blocks(self):
        """Large enough for compiled sweeps, blocks of rows, and groups over their boundaries."""
        rng = np.random.default_rng(8)
        n, d = 60_000, 20
        A = rng.normal(size=(n, d)) / 5
        groups = np.sort(rng.integers(0, 9000, n))
        order = rng.permutation(n)
        gumbel = A @ np.linspace(-1, 1, d) + rng.gumbel(size=n)
        starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
        best = np.repeat(np.maximum.reduceat(gumbel, starts), np.diff(starts, append=n))
        chosen = (gumbel == best).astype(float)
        result = nk.minimize(nk.SoftmaxCrossEntropy(A, chosen, groups=groups), gtol=1e-12)
        shuffled = nk.SoftmaxCrossEntropy(A[order], chosen[order], groups=groups[order])
        ours = nk.inference(shuffled, result, clusters=groups[order] % 700)
        x = result.x
        u = A @ x
        p = np.exp(u) / np.repeat(np.add.reduceat(np.exp(u), starts), np.diff(starts, append=n))
        centred = A - np.repeat(np.add.reduceat(p[:, None] * A, starts), np.diff(starts, append=n), axis=0)
        bread = np.linalg.inv(centred.T @ (p[:, None] * centred))
        scores = scipy.sparse.csr_array((p - chosen, (groups, np.arange(n)))) @ A
        np.testing.assert_allclose(ours.covariance("classical"), bread, rtol=1e-8, atol=1e-12)
        sandwich = bread @ scores.T @ scores @ bread
        np.testing.assert_allclose(ours.covariance("sandwich"), sandwich, rtol=1e-8, atol=1e-12)
        clustered = scipy.sparse.csr_array((np.ones(9000), (np.arange(9000) % 700, np.arange(9000))))
        sums = clustered[:, : scores.shape[0]] @ scores
        factor = 700 / 699 * (ours.n_observations - 1) / (ours.n_observations - d)
        expected = factor * bread @ sums.T @ sums @ bread
        np.testing.assert_allclose(ours.covariance("clustered"), expected, rtol=1e-8, atol=1e-12)

    def test_it_can_be_pickled_and_is_not_changed_from_outside(self):
        problem, clusters = noisy("exp")
        ours = nk.inference(problem, solved(problem), clusters=clusters)
        ours.covariance()[:] = 0.0
        again = pickle.loads(pickle.dumps(ours))
        same(again, ours)
        assert (again.std_errors() > 0.0).all()
