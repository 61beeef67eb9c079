"""``nk.choose_ridge``: what is held out is predicted from the rest, and nothing is torn."""

import dataclasses

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.ridge.choice import _chosen, _summary

RIDGES = np.array([1e-2, 1e2, 1.0])
RNG = np.random.default_rng(8)
N = 90
A = RNG.normal(size=(N, 4))
B = np.exp(0.5 * A[:, 0] + 0.3 * RNG.normal(size=N))
FOLDS = np.arange(N) % 3
CHOICES = RNG.permutation(np.repeat(np.arange(30), 3))  # not consecutive
PERSONS = CHOICES // 2


def chosen_alternatives():
    utility = A @ [1.0, -1.0, 0.5, 0.0] + RNG.gumbel(size=N)
    best = np.array([utility[label == CHOICES].max() for label in range(30)])
    return (utility == best[CHOICES]).astype(float)


TAKEN = chosen_alternatives()


def choice_problem(**options):
    return nk.SoftmaxCrossEntropy(A, TAKEN, groups=CHOICES, **options)


class TestLosses:
    """Against loops over problems that are made anew from the rows."""

    def test_of_an_elementwise_problem(self):
        choice = nk.choose_ridge(nk.ExpRegression(A, B), RIDGES, folds=FOLDS)
        for fold in range(3):
            rest, held = fold != FOLDS, fold == FOLDS
            for k, ridge in enumerate(RIDGES):
                x = nk.minimize(nk.ExpRegression(A[rest], B[rest], ridge=ridge * rest.mean())).x
                loss = 0.5 * np.mean((np.exp(A[held] @ x) - B[held]) ** 2)
                assert choice.fold_losses[fold, k] == pytest.approx(loss, rel=1e-6)
        np.testing.assert_allclose(choice.mean, choice.fold_losses.mean(axis=0))
        np.testing.assert_allclose(choice.std_error, choice.fold_losses.std(axis=0, ddof=1) / np.sqrt(3.0))

    def test_of_choices(self):
        numbers = (CHOICES * 7) % 3
        choice = nk.choose_ridge(choice_problem(), RIDGES, folds=numbers)
        for fold in range(3):
            rest, held = numbers != fold, numbers == fold
            for k, ridge in enumerate(RIDGES):
                fitted = nk.SoftmaxCrossEntropy(
                    A[rest], TAKEN[rest], groups=CHOICES[rest], ridge=ridge * len(set(CHOICES[rest])) / 30
                )
                u = A @ nk.minimize(fitted).x
                losses = [
                    np.log(np.exp(u[label == CHOICES]).sum()) - u[(label == CHOICES) & (TAKEN == 1.0)].item()
                    for label in set(CHOICES[held])
                ]
                assert choice.fold_losses[fold, k] == pytest.approx(np.mean(losses), rel=1e-6)

    def test_weights_are_multiplicities(self):
        counts = RNG.integers(0, 3, size=N)
        rows = np.repeat(np.arange(N), counts)
        weighted = nk.ExpRegression(A, B, sample_weight=counts.astype(float), fit_intercept=True)
        repeated = nk.ExpRegression(A[rows], B[rows], fit_intercept=True)
        one = nk.choose_ridge(weighted, RIDGES, folds=FOLDS)
        other = nk.choose_ridge(repeated, RIDGES, folds=FOLDS[rows])
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-7)
        np.testing.assert_allclose(one.std_error, other.std_error, rtol=1e-5)
        np.testing.assert_allclose(one.result.x, other.result.x, atol=1e-7)

    def test_weights_of_groups_are_multiplicities(self):
        """A choice of weight 2 counts as two people who choose alike, held out together."""
        numbers, counts = CHOICES % 3, 1 + CHOICES % 5 + 4 * (CHOICES % 3 == 1)
        rows = np.repeat(np.arange(N), counts)
        labels = CHOICES[rows] + 100 * np.concatenate([np.arange(count) for count in counts])
        repeated = nk.SoftmaxCrossEntropy(A[rows], TAKEN[rows], groups=labels)
        one = nk.choose_ridge(choice_problem(sample_weight=counts), RIDGES, folds=numbers)
        other = nk.choose_ridge(repeated, RIDGES, folds=numbers[rows])
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-7)
        np.testing.assert_allclose(one.std_error, other.std_error, rtol=1e-5)

    def test_a_score_of_ones_own(self):
        def misses(held_out, x):
            return float(np.mean(np.abs(held_out.predict(x) - held_out.outer.target)))

        choice = nk.choose_ridge(nk.ExpRegression(A, B), RIDGES, folds=FOLDS, score=misses)
        rest, held = FOLDS != 0, FOLDS == 0
        x = nk.minimize(nk.ExpRegression(A[rest], B[rest], ridge=RIDGES[0] * 2.0 / 3.0)).x
        assert choice.fold_losses[0, 0] == pytest.approx(
            np.mean(np.abs(np.exp(A[held] @ x) - B[held])), rel=1e-6
        )

    def test_the_penalties_are_no_part_of_it(self):
        bare = nk.choose_ridge(nk.ExpRegression(A, B), [1.0], folds=FOLDS)
        tiny = nk.choose_ridge(nk.ExpRegression(A, B, penalty_weights=np.full(N, 1e-9)), [1.0], folds=FOLDS)
        np.testing.assert_allclose(bare.mean, tiny.mean, rtol=1e-10)


class TestFolds:
    def together(self, numbers, labels):
        return all(len(set(numbers[labels == label])) == 1 for label in set(labels))

    def test_hold_groups_out_whole(self):
        choice = nk.choose_ridge(choice_problem(), [1.0], folds=4, rng=0)
        assert self.together(choice.folds, CHOICES)
        assert not self.together(choice.folds, PERSONS)
        assert sorted(set(choice.folds)) == [0, 1, 2, 3]

    def test_hold_labels_out_together(self):
        choice = nk.choose_ridge(choice_problem(), [1.0], folds=4, groups=PERSONS, rng=0)
        assert self.together(choice.folds, PERSONS)
        names = np.array([f"p{person}" for person in PERSONS])
        elementwise = nk.choose_ridge(nk.ExpRegression(A, B), [1.0], groups=names, rng=0)
        assert self.together(elementwise.folds, names)

    def test_are_about_equal_and_drawn_by_the_seed(self):
        problem = nk.ExpRegression(A, B)
        first, again, other = (nk.choose_ridge(problem, RIDGES, folds=7, rng=seed) for seed in (0, 0, 1))
        assert np.ptp(np.bincount(first.folds)) <= 1
        np.testing.assert_array_equal(first.folds, again.folds)
        np.testing.assert_array_equal(first.mean, again.mean)
        assert (first.folds != other.folds).any()


class TestChoice:
    def test_by_hand(self):
        ridges, mean = np.array([1.0, 10.0, 100.0, 1000.0, 0.1]), np.array([2.0, 2.0, 2.2, 9.0, np.nan])
        error = np.array([0.1, 0.3, 5.0, 0.1, np.nan])
        assert _chosen(ridges, mean, error) == (10.0, 100.0)

    def test_weighs_folds_by_their_size(self):
        losses, shares = np.array([[1.0, np.inf], [4.0, 1.0]]), np.array([0.25, 0.75])
        mean, error = _summary(losses, shares)
        assert mean[0] == pytest.approx(3.25)
        assert error[0] == pytest.approx(np.sqrt(0.25 * 2.25**2 + 0.75 * 0.75**2))
        assert np.isnan(mean[1]) and np.isnan(error[1])

    @pytest.mark.parametrize("rule", ["best", "one_std_error"])
    def test_is_solved_on_all_rows(self, rule):
        problem = choice_problem()
        choice = nk.choose_ridge(problem, np.geomspace(1e-3, 1e3, 9), rule=rule, rng=0)
        assert choice.ridge == getattr(choice, rule)
        assert choice.one_std_error >= choice.best
        np.testing.assert_allclose(
            choice.result.x, nk.minimize(problem.with_ridge(choice.ridge)).x, atol=1e-8
        )
        assert choice.passes > choice.result.passes

    def test_tells_noise_from_signal(self):
        """Where nothing can be predicted a large ridge is best; where all can, a small one is."""
        rng = np.random.default_rng(0)
        X, ridges = rng.normal(size=(120, 10)), np.geomspace(1e-6, 1e6, 5)
        noise = np.exp(rng.normal(size=120))
        assert nk.choose_ridge(nk.ExpRegression(X, noise, fit_intercept=True), ridges, rng=0).best >= 1e3
        signal = np.exp(X @ rng.normal(size=10) / 5.0)
        assert nk.choose_ridge(nk.ExpRegression(X, signal), ridges, rng=0).best == ridges[0]

    def test_counts_what_was_not_solved(self):
        choice = nk.choose_ridge(nk.ExpRegression(A, B), [1.0, 2.0], folds=3, max_iter=0, rng=0)
        assert choice.unsolved.tolist() == [3, 3]

    def test_tables(self):
        choice = nk.choose_ridge(choice_problem(), np.geomspace(1e-3, 1e3, 5), rng=0)
        text = str(choice).splitlines()
        assert max(map(len, text)) <= 80
        assert sum("best" in line for line in text) == 1
        assert text[4 + int(np.argmin(choice.mean))].split()[0] == f"{choice.best:.4g}"
        assert f'<data value="{float(choice.mean[0])!r}">' in choice._repr_html_()
        with pytest.raises(dataclasses.FrozenInstanceError):
            choice.rule = "best"


class TestRefusals:
    def test_of_one_softmax_over_all_rows(self):
        for problem in (
            nk.SoftmaxRegression(A, B),
            nk.RescaledRegression(A, B),
            nk.SoftmaxCrossEntropy(A, B),
        ):
            with pytest.raises(ValueError, match="all rows in one group: every prediction depends on all"):
                nk.choose_ridge(problem, RIDGES)

    def test_of_an_outer_function_of_ones_own(self):
        class Mine(nk.problems.RowwiseLoss):
            def terms(self, u, b):
                return 0.5 * (u - b) ** 2, u - b, np.ones_like(u)

        with pytest.raises(TypeError, match="Mine does not say how"):
            nk.choose_ridge(nk.problems.Problem(A, Mine(B)), RIDGES)

    @pytest.mark.parametrize(
        ("options", "error", "says"),
        [
            ({"folds": 1}, ValueError, "folds must be from 2 to 30"),
            ({"folds": 31}, ValueError, "folds must be from 2 to 30"),
            ({"folds": True}, TypeError, "folds must be an integer"),
            ({"folds": 2.0}, TypeError, "folds must be an integer"),
            ({"folds": np.zeros(N, dtype=int)}, ValueError, "all rows are in one"),
            ({"folds": np.arange(N) % 2}, ValueError, "folds must not tear"),
            ({"groups": np.arange(N)}, ValueError, "groups must not tear"),
            ({"groups": [1, 2]}, ValueError, "groups must have shape"),
            ({"score": 3}, TypeError, "score must be callable"),
            ({"rule": "least"}, ValueError, "rule must be"),
            ({"method": "best"}, ValueError, "method must be"),
            ({"pattern": [1.0]}, ValueError, "pattern must"),
            ({"gtol": -1.0}, ValueError, "gtol must"),
            ({"max_iter": -1}, ValueError, "max_iter must"),
            ({"rng": "a"}, TypeError, "rng must"),
        ],
    )
    def test_of_bad_input_by_name(self, options, error, says):
        with pytest.raises(error, match=says):
            nk.choose_ridge(choice_problem(), RIDGES, **options)

    def test_of_folds_that_leave_only_weights_of_zero(self):
        weights = (FOLDS > 0).astype(float)
        with pytest.raises(ValueError, match="folds must not leave nothing but weights of 0"):
            nk.choose_ridge(nk.ExpRegression(A, B, sample_weight=weights), RIDGES, folds=FOLDS)

    def test_of_losses_that_are_not_finite(self):
        with pytest.raises(ValueError, match="ridges must leave a finite loss"):
            nk.choose_ridge(nk.ExpRegression(A, B), RIDGES, rng=0, score=lambda held_out, x: np.inf)

    def test_interruptions_come_through(self):
        def interrupted(held_out, x):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            nk.choose_ridge(nk.ExpRegression(A, B), RIDGES, rng=0, score=interrupted)
