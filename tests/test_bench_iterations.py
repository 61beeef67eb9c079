"""Prediction against observation: what is measured is what was planned, and failures are called failures."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from newtonkit.approximate import sampled
from newtonkit.prediction import Plan, measuring
from newtonkit.prediction.figures import (
    NO_CONTRACTION,
    UNATTAINABLE,
    Cell,
    Count,
    NearSolve,
    Prediction,
    Promise,
    Row,
    WholeSolve,
)
from newtonkit.prediction.judgement import is_kept, summaries, verdict
from newtonkit.prediction.measuring import measured
from newtonkit.prediction.minimum import SINGULAR
from newtonkit.sketching import sparsify
from tests.certificate_stub import stub

SMALL = Plan(
    kinds=("exp", "softmax"), conditions=(1.0, 100.0), epsilons=(0.3, 0.8), rows=1200, columns=3, seeds=2
)


@pytest.fixture(scope="module", name="found")
def _found():
    return measured(SMALL)


class TestMeasured:
    def test_holds_what_was_planned(self, found):
        assert [(row.kind, row.condition) for row in found.rows] == [
            ("exp", 1.0), ("exp", 100.0), ("softmax", 1.0), ("softmax", 100.0)
        ]  # fmt: skip
        for row in found.rows:
            assert (row.seeds, row.uncertified, row.note) == (2, 0, "")
            names = [cell.name for cell in row.cells]
            assert names == ["exact", "sketched", "sampled 0.3", "sampled 0.8"]
            for cell in row.cells:
                assert [solve.seed for solve in cell.solves] == [0, 1]
                assert len(cell.errors) == (2 if cell.epsilon else 0)
                assert (cell.promise is None) == (cell.epsilon is None)
                assert cell.whole.before is not None
        assert not found.interrupted

    def test_predictions_of_certificates_hold(self, found):
        assert is_kept(found)
        counts = [count for cell in found.cells for count in cell.counts]
        judged = [count for count in counts if count.predicted is not None]
        assert len(judged) >= 40
        assert all(1 <= count.observed <= count.predicted for count in judged)
        exact = [cell for cell in found.cells if cell.method == "exact"]
        assert all(cell.tightest.predicted <= 4 for cell in exact)
        assert all(
            count.predicted is None for cell in found.cells if cell.epsilon == 0.8 for count in cell.counts
        )

    def test_is_the_same_again(self, found):
        plan = replace(SMALL, kinds=("softmax",), conditions=(100.0,), methods=("sampled",), epsilons=(0.3,))
        (row,) = measured(plan).rows
        assert row == replace(found.rows[3], cells=found.rows[3].cells[2:3])

    def test_papers_promise_nothing_beyond_their_epsilon(self, found):
        for cell in found.cells:
            assert cell.is_promised == (cell.epsilon is None)
            assert all((count.papers is None) == (cell.epsilon is not None) for count in cell.counts)

    def test_says_why_nothing_is_predicted(self, found):
        for cell in found.cells:
            for count in cell.counts:
                reasons = {UNATTAINABLE} | ({NO_CONTRACTION} if cell.epsilon == 0.8 else set())
                assert count.reason == "" if count.predicted is not None else count.reason in reasons
        reasons = {count.reason for cell in found.cells for count in cell.counts}
        assert reasons == {"", UNATTAINABLE, NO_CONTRACTION}
        counted = Counter(count.reason for cell in found.cells for count in cell.counts if count.reason)
        (sentence,) = [text for text in verdict(found) if "are not predicted" in text]
        assert sentence.startswith(f"{counted.total()} more are not predicted: ")
        assert f"{counted[NO_CONTRACTION]} where {NO_CONTRACTION}" in sentence
        assert f"{counted[UNATTAINABLE]} where {UNATTAINABLE}" in sentence

    def test_a_single_reason_is_given_without_numbers(self):
        counts = (Count(1e-2, 5, 9, 2), Count(1e-8, None, 9, 3, UNATTAINABLE))
        cell = Cell("exact", None, WholeSolve(1, 2), (NearSolve(0, 1.0, counts, (0.5,)),))
        sentences = list(verdict(Prediction(SMALL, (Row("exp", 1.0, (cell,)),), 1.0, False)))
        assert f"1 more are not predicted: {UNATTAINABLE}." in sentences

    def test_a_singular_hessian_is_called_so(self):
        found = measured(replace(SMALL, kinds=("exp",), conditions=(1e12,)))
        assert found.rows == (Row("exp", 1e12, note=SINGULAR),)

    @pytest.mark.parametrize("what", ["SolverSamples", "PromisedSamples"])
    def test_what_lapack_says_of_samples_is_not_repeated(self, what, monkeypatch):
        def failing(*_):
            raise np.linalg.LinAlgError("2-th leading minor of the array is not positive definite")

        monkeypatch.setattr(measuring, what, failing)
        assert measured(replace(SMALL, kinds=("exp",), conditions=(1.0,))).rows[0].note == SINGULAR

    def test_a_minimum_at_the_start_is_told_of(self):
        plan = replace(SMALL, kinds=("rescaled-sinh", "exp"), methods=("exact",), seeds=1)
        found = measured(plan, certify=lambda *_: stub())
        assert [row.begins_at_minimum for row in found.rows] == [True, True, False, False]
        told = [text for text in verdict(found) if text.startswith("x = 0 ")]
        assert told == ["x = 0 is itself the minimum of rescaled-sinh: a solve from there has no iterations."]

    def test_of_what_single_steps_are_judged(self, found):
        sentences = list(verdict(found))
        (first,) = [k for k, text in enumerate(sentences) if text.startswith("Counts are by the Euclidean")]
        assert "begin and end above rounding" in sentences[first]
        for k, name in enumerate(("exact", "sketched", "sampled 0.3", "sampled 0.8"), first + 1):
            assert re.match(rf"{name}: \d+ of \d+ such steps leave more than 0\.4 ", sentences[k])
            assert ("promised only to epsilon 0.1" in sentences[k]) == name.startswith("sampled")

    def test_of_a_certificate_that_promises_too_much(self):
        plan = replace(SMALL, kinds=("exp",), conditions=(1.0,), methods=("exact",))
        found = measured(plan, certify=lambda *_: stub(steps=1))
        assert not is_kept(found)
        assert found.cells[0].tightest.margin < 0
        assert next(verdict(found)).startswith("EXCEEDED: ")

    def test_of_a_certificate_that_promises_nothing(self):
        plan = replace(SMALL, kinds=("exp",), conditions=(1.0,), methods=("exact", "sampled"))
        found = measured(plan, certify=lambda *_: stub(inside=False))
        assert found.rows[0].uncertified == 2
        assert found.cells[0].whole.before is None
        assert not found.cells[0].counts
        assert len(found.cells[1].errors) == 2  # samples need no start
        assert not is_kept(found)
        assert next(verdict(found)).startswith("NOTHING WAS PREDICTED")
        assert "For 2 of 2 starts no point was found to be certified in the region." in verdict(found)

    def test_of_a_solver_whose_samples_are_too_small(self, monkeypatch):
        monkeypatch.setattr(sampled, "rows_per_dimension", lambda epsilon: 2.0)
        plan = replace(
            SMALL, kinds=("exp",), conditions=(1.0,), methods=("sampled",), epsilons=(0.1,), seeds=3
        )
        found = measured(plan, certify=lambda *_: stub(steps=1))
        (summary,) = summaries(found)
        assert summary.above == summary.drawn == 3
        assert summary.slow > 0
        assert summary.worst > 0.4
        assert not is_kept(found)

    def test_of_a_sampler_that_breaks_its_promise(self, monkeypatch):
        def doctored(*args, **more):
            sample = sparsify(*args, **more)
            return replace(sample, weights=1.5 * sample.weights)

        monkeypatch.setattr("newtonkit.prediction.spectra.sparsify", doctored)
        plan = replace(
            SMALL, kinds=("exp",), methods=("exact", "sampled"), epsilons=(0.4,), rows=2500, columns=2
        )
        found = measured(plan, certify=lambda *_: stub())
        (summary,) = summaries(found)
        assert summary.broken == summary.promised == 4
        assert summary.interval[0] > 0.3
        assert not is_kept(found)
        assert "PROMISE BROKEN at epsilon 0.4: by 4 of 4 samples, and delta is 0.01." in verdict(found)

    def test_a_problem_without_minimum_is_told_of(self, monkeypatch):
        def none(problem):
            raise ValueError("there is none")

        monkeypatch.setattr(measuring, "minimum_of", none)
        found = measured(replace(SMALL, kinds=("exp",), conditions=(1.0,)))
        assert found.rows == (Row("exp", 1.0, note="there is none"),)
        assert not is_kept(found)
        assert "Nothing was measured of exp at condition 1: there is none" in verdict(found)

    def test_what_cannot_be_made_is_refused_at_once(self):
        with pytest.raises(ValueError, match=r"^condition must be 1 for a single column"):
            measured(replace(SMALL, columns=1))

    @pytest.mark.parametrize("when", ["between", "in a solve"])
    def test_an_interruption_keeps_what_there_is(self, when, monkeypatch):
        plan, told = replace(SMALL, kinds=("exp",), methods=("exact",)), []

        def tell(share, what):
            told.append(share)
            if what == "exp, condition 100: seed 2 of 2":
                if when == "between":
                    raise KeyboardInterrupt
                monkeypatch.setattr("newtonkit.descent.Descent._advance", interrupt)

        def interrupt(_):
            raise KeyboardInterrupt

        found = measured(plan, tell=tell, certify=lambda *_: stub())
        assert found.interrupted
        assert [row.seeds for row in found.rows] == [2, 1]
        assert told == sorted(told)
        assert told[0] == 0.0 < told[-1] < 1.0


class TestFigures:
    def test_margins(self):
        assert Count(1.0, 5, 7, 3).margin == 2
        assert Count(1.0, None, 7, 3).margin == math.inf
        assert Count(1.0, 5, 7, None).margin == -math.inf
        assert Count(1.0, None, 7, None).margin == math.inf

    def test_the_count_shown_is_the_finest_with_a_prediction_and_the_nearest_to_it(self):
        whole = WholeSolve(1, 2)

        def cell(*counts):
            return Cell("exact", None, whole, tuple(NearSolve(0, 1.0, c, (0.5,)) for c in counts))

        one = (Count(1e-2, 5, 9, 2), Count(1e-4, 6, 9, 3), Count(1e-6, None, 9, 4))
        two = (Count(1e-2, 5, 9, 5), Count(1e-4, 6, 9, 4))
        assert cell(one, two).tightest == two[1]
        # Only one of the two starts has a number to 1e-6: rows are to be compared with one another.
        finer = (Count(1e-2, 9, 9, 2), Count(1e-6, 9, 9, 3))
        assert cell(two, finer).tightest == finer[1]
        assert cell((Count(1e-2, None, 9, 2),), (Count(1e-2, None, 9, 3),)).tightest.observed == 3
        assert cell(one, (Count(1e-2, 1, 9, 2), two[1])).tightest == Count(1e-2, 1, 9, 2)
        assert cell(()).tightest is None
        assert cell(one).slow == 1

    def test_a_promise_that_is_no_number_is_broken(self):
        assert Promise(0.5, 0.01, (0.4, 0.6, math.nan, 0.5), 0.2).broken == 2
