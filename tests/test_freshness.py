"""When a sample no longer stands for its rows: what the rows kept tell is what all rows would."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from newtonkit.approximate.refresh import Freshness
from newtonkit.sketching import RowSample, bernoulli_sample

N = 40_000
DRAWS = 20


def rows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights over some orders of magnitude, and sizes that differ from row to row."""
    rng = np.random.default_rng([0, seed])
    return np.exp(1.5 * rng.normal(size=N)), np.exp(rng.normal(size=N)) / N


CHANGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "all alike": lambda w, rng: 3.0 * w,
    "all alike, down": lambda w, rng: w / 5.0,
    "at random": lambda w, rng: w * np.exp(rng.normal(size=N)),
    "heavy rows fall": lambda w, rng: np.minimum(w, 1.0),
    "light rows rise": lambda w, rng: np.maximum(w, 0.5),
    "a third": lambda w, rng: np.where(rng.random(N) < 0.3, 4.0 * w, w),
    "some vanish": lambda w, rng: np.where(rng.random(N) < 0.1, 0.0, w),
}


def change_in(words: str) -> float:
    """The mean change that the words tell of; 0 if they tell of none."""
    found = re.fullmatch(r"weights moved by exp\((\d+\.\d+)\) in the mean", words)
    assert found or words == ""
    return float(found[1]) if found else 0.0


def mean_changes(old: np.ndarray, new: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """The mean of |log (new / old)|, at most 10, and of its distance from the mean of log: row by row."""
    total = moved = 0.0
    logs, shares = [], []
    for before, after, size in zip(old.tolist(), new.tolist(), sizes.tolist(), strict=True):
        score = max(before, after) * size
        change = 10.0 if min(before, after) == 0.0 else float(np.log(after / before))
        total += score
        moved += score * min(abs(change), 10.0)
        logs.append(-10.0 if after == 0.0 else change)
        shares.append(score)
    shares_array, logs_array = np.array(shares) / total, np.array(logs)
    return moved / total, float(shares_array @ np.abs(logs_array - shares_array @ logs_array))


def drawn(weights: np.ndarray, sizes: np.ndarray, seed: int, expected: float = 1500.0) -> RowSample:
    scores = weights * sizes
    probabilities = np.minimum(1.0, expected * scores / scores.sum())
    return bernoulli_sample(weights, probabilities, np.random.default_rng([1, seed]))


@pytest.mark.parametrize("name", CHANGES)
def test_all_rows_tell_what_a_loop_over_them_does(name: str) -> None:
    weights, sizes = rows(0)
    new = CHANGES[name](weights, np.random.default_rng(2))
    moved, spread = mean_changes(weights, new, sizes)
    freshness = Freshness(weights, sizes)
    assert change_in(freshness.moved(new)) == pytest.approx(moved if moved > 0.5 else 0.0, abs=6e-3)
    assert freshness.spread(new) == pytest.approx(spread, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", CHANGES)
def test_a_sample_tells_about_what_all_rows_do(name: str) -> None:
    """Means over 1500 rows of numbers of the order of 1: within 0.2 each, within 0.07 over 20 draws."""
    weights, sizes = rows(0)
    new = CHANGES[name](weights, np.random.default_rng(2))
    moved, spread = mean_changes(weights, new, sizes)
    spreads, changes = [], []
    for seed in range(DRAWS):
        sample = drawn(weights, sizes, seed)
        assert 1000 < len(sample) < 2000
        freshness = Freshness(weights, sizes, sample)
        spreads.append(freshness.spread(new))
        changes.append(change_in(freshness.moved(new)))
    assert np.abs(np.array(spreads) - spread).max() <= 0.2 * max(spread, 1.0)
    assert np.mean(spreads) == pytest.approx(spread, abs=0.07)
    if abs(moved - 0.5) > 0.1:  # else some draws are beyond the limit and some are not
        wanted = moved if moved > 0.5 else 0.0
        assert np.abs(np.array(changes) - wanted).max() <= 0.2 * max(moved, 1.0)
        assert np.mean(changes) == pytest.approx(wanted, abs=0.07)


def test_rows_kept_for_certain_and_others_count_by_what_they_stand_for() -> None:
    """Heavy rows are all kept, of the light ones one in 20: the mean is that of all rows."""
    heavy = np.arange(N) < 300
    weights, sizes = np.where(heavy, 100.0, 1.0), np.full(N, 1.0 / N)
    probabilities = np.where(heavy, 1.0, 0.05)
    sample = bernoulli_sample(weights, probabilities, np.random.default_rng(3))
    assert sample.n_certain == 300
    freshness = Freshness(weights, sizes, sample)
    new = np.where(heavy, np.e * weights, np.exp(3.0) * weights)
    moved, spread = mean_changes(weights, new, sizes)
    assert change_in(freshness.moved(new)) == pytest.approx(moved, rel=0.03)
    assert freshness.spread(new) == pytest.approx(spread, rel=0.1)
    assert freshness.moved(np.where(heavy, weights, 1.3 * weights)) == ""


def test_what_stands_for_all_rows_stands_for_every_one() -> None:
    """A row that carries a direction alone is looked for among all rows, kept or not."""
    weights, sizes = np.ones(N), np.full(N, 1.0 / N)
    sample = drawn(weights, sizes, 0)
    lonely = int(np.setdiff1d(np.arange(N), sample.indices)[0])
    sizes[lonely] = 1.0
    new = weights.copy()
    new[lonely] = 100.0
    freshness = Freshness(weights, sizes, sample)
    assert not freshness.holds_everywhere(new)
    assert freshness.holds_everywhere(weights)
    assert freshness.holds_everywhere(3.0 * weights)


@pytest.mark.parametrize("least", [0.0, 1e-6])
def test_rows_that_had_next_to_no_weight_are_seen_to_gain_it(least: float) -> None:
    """They are in no sample, so that means over the sample alone would not tell."""
    old, sizes = np.where(np.arange(N) % 2, 1.0, least), np.full(N, 1.0 / N)
    sample = bernoulli_sample(old, np.where(old == 1.0, 0.1, 0.0), np.random.default_rng(0))
    assert Freshness(old, sizes, sample).moved(np.ones(N)) != ""
    assert Freshness(old, sizes, sample).moved(old) == ""


def test_without_sizes_all_rows_were_kept() -> None:
    weights, sizes = rows(1)
    new = CHANGES["at random"](weights, np.random.default_rng(4))
    sample = drawn(weights, sizes, 0)
    assert Freshness(weights, None, sample).moved(new) == Freshness(weights, None).moved(new) != ""
    assert Freshness(weights, None, sample).spread(new) == Freshness(weights, None).spread(new)


def test_nothing_that_counts_tells_nothing() -> None:
    nothing = np.zeros(10)
    sample = bernoulli_sample(nothing, np.full(10, 0.5), np.random.default_rng(5))
    freshness = Freshness(nothing, np.ones(10), sample)
    assert freshness.moved(nothing) == ""
    assert freshness.spread(nothing) == np.inf
    assert freshness.spread(np.ones(10)) == np.inf
    assert freshness.holds_everywhere(nothing)
