"""One descent from one start: the loop of models, moves, records and verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from newtonkit.convergence import Criteria, relative_gradient
from newtonkit.curvature import CurvatureModel, ModelBuilder, Step
from newtonkit.meter import Limits, Meter
from newtonkit.metric import size_of
from newtonkit.objective import PointEvaluation
from newtonkit.results import IterationRecord, Status
from newtonkit.trust_region import SHRINK, Move, move

Callback = Callable[[IterationRecord], Any]
_LONG, _LEVEL = 25, 1e-9


OpeningMove = Callable[[PointEvaluation, Limits, Meter], "tuple[PointEvaluation, str] | None"]


@dataclass
class Descent:
    """The state of a descent: the best point is always `evaluation`, whatever interrupts it."""

    builder: ModelBuilder
    criteria: Criteria
    limits: Limits
    meter: Meter
    callback: Callback | None
    evaluation: PointEvaluation
    radius: float = 1.0
    patience_used: int = 0  # iterations in a row at tolerance, or too small for the value to tell
    milestone: tuple[float, float] = (np.inf, np.inf)  # value and gradient when last looked at
    last: Move | None = None
    history: list[IterationRecord] = field(default_factory=list)
    opening: OpeningMove | None = None  # a short cut from the start
    reached: dict[str, Any] = field(default_factory=dict)  # what it had cost when the point was known

    def run(self) -> Status:
        """Descend until an end, a limit or an interruption."""
        self.meter.values += 1
        self.meter.charge("value", 1)
        try:
            if self.opening is not None and self._open(self.opening):
                return Status.STOPPED_BY_CALLBACK
            while True:
                status = self._advance()
                if status is not None:
                    return status
        except KeyboardInterrupt:
            if not self.history:
                self._record(None)
            return Status.INTERRUPTED

    def _open(self, opening: OpeningMove) -> bool:
        """Go to where the opening leads, if that is better; tell whether the callback wants to stop."""
        with self.meter.phase("gradient"):
            is_end = self.criteria.at_tolerance(self.evaluation)
        if is_end or self._limit_reached() or self.limits.max_iter == 0:
            return False
        with self.meter.phase("opening"):
            found = opening(self.evaluation, self.limits, self.meter)
        if found is None:
            return False
        end, note = found
        self.meter.gradients += 1
        stopped = self._report(None)
        change = end.u - self.evaluation.u
        length = size_of(change) / float(np.sqrt(max(len(change), 1)))
        self.last = Move(end, length, np.nan, self.radius, 1, note)
        if not stopped:
            self.evaluation = end
        return stopped

    def _advance(self) -> Status | None:
        """Go to the next point, or tell how the descent has ended."""
        model = self._model()
        with self.meter.phase("step"):
            step = model.step(self.radius)
        counted = model.passes
        self.meter.charge("step", counted)
        if self._report(model):
            return Status.STOPPED_BY_CALLBACK
        try:
            return self._proceed(model, step)
        finally:
            self.meter.charge("verdict", model.passes - counted)
            self.history[-1] = replace(self.history[-1], inner_iterations=model.inner_iterations)

    def _proceed(self, model: CurvatureModel, step: Step) -> Status | None:
        """Tell whether the point is an end; otherwise leave it."""
        radius = self.radius
        with self.meter.phase("verdict"):
            solved = self.criteria.verdict(self.evaluation, model, step, self.patience_used)
        if solved is not None:
            return self._confirmed(solved)
        tired = self._limit_reached()
        if tired is not None:
            return tired
        circling = self._goes_in_circles()
        if not circling and self._move(model):
            return None
        tired = self._limit_reached()
        if tired is not None or (not circling and self._refresh()):
            return tired
        if not circling and self.builder.strengthen():
            self.radius = radius
            return None
        stuck = self.criteria.verdict_when_stuck(self.evaluation, model, step)
        return stuck if not circling or self._holds_afresh(stuck) else Status.STALLED

    def _limit_reached(self) -> Status | None:
        if len(self.history) > self.limits.max_iter:
            return Status.MAX_ITER
        return Status.MAX_TIME if self.limits.out_of_time() else None

    def _move(self, model: CurvatureModel) -> bool:
        """Take the best step the model leads to; tell whether there was one."""
        at_tolerance = self.criteria.at_tolerance(self.evaluation)
        moved = self._best_move(model)
        lingers = at_tolerance or np.isnan(moved.ratio)  # the value no longer tells steps apart
        self.patience_used = self.patience_used + 1 if lingers else 0
        self.last, self.radius = moved, moved.radius
        if moved.evaluation is None:
            return False
        self.evaluation = moved.evaluation
        return True

    def _goes_in_circles(self) -> bool:
        """Tell whether value and gradient have stayed as they are for a long time.

        Steps judged by the gradient, because the value cannot tell, go on without end where
        values and gradients do not fit.
        """
        if len(self.history) % _LONG:
            return False
        value, size = self.milestone
        self.milestone = self.evaluation.value, size_of(self.evaluation.gradient)
        level = self.milestone[0] > value - _LEVEL * abs(value) if np.isfinite(value) else False
        return level and self.milestone[1] > 0.5 * size

    def _best_move(self, model: CurvatureModel) -> Move:
        """Return the best move to where there are derivatives; closer by if there are none."""
        radius = self.radius
        while True:
            with self.meter.phase("trials"):
                moved = move(self.evaluation, model, radius, self.limits.out_of_time)
            self.meter.values += moved.trials
            if moved.evaluation is None:
                return moved
            with self.meter.phase("gradient"):
                usable = moved.evaluation.has_derivatives
            if usable:
                return moved
            radius = SHRINK * moved.step_norm
            if self.limits.out_of_time():
                return replace(moved, evaluation=None, radius=radius)

    def _model(self) -> CurvatureModel:
        with self.meter.phase("gradient"):
            _ = self.evaluation.gradient
        self.meter.gradients += 1
        self.meter.hessians += 1
        self.meter.charge("gradient", self.evaluation.gradient_passes)
        self.reached = self.meter.reading()
        before = self.builder.passes
        with self.meter.phase("hessian"):
            self.builder.prepare(self.evaluation, self.last.ratio if self.last else np.nan)
        with self.meter.phase("factor"):
            model = self.builder.build(self.evaluation)
        self.meter.charge("hessian", self.builder.passes - before)
        return model

    def _holds_afresh(self, ended: Status) -> bool:
        """Compute A x from x itself, and tell whether the verdict stands."""
        changed = self._refresh()
        return not (changed and ended.success) or self.criteria.at_tolerance(self.evaluation)

    def _confirmed(self, solved: Status) -> Status | None:
        """Return the verdict as it stands with A x computed anew, None if it does not."""
        carried = self.evaluation
        if self._holds_afresh(solved):
            return self._restated(solved)
        if solved.success and self._is_rounding_away(carried):
            return Status.WORKING_PRECISION
        return self._limit_reached()

    def _is_rounding_away(self, carried: PointEvaluation) -> bool:
        """Tell whether u, carried along steps, differs from that of x itself by no more than its rounding.

        No x then comes nearer to a minimum that its u has reached.
        """
        change = float(np.abs(self.evaluation.u - carried.u).max(initial=0.0))
        return change <= self.evaluation.u_rounding

    def _restated(self, ended: Status) -> Status:
        """Return a success as what it is at the point computed anew, which may be at tolerance only now."""
        return Status.CONVERGED if ended.success and self.criteria.met(self.evaluation) else ended

    def _refresh(self) -> bool:
        """Compute A x anew if it was carried along steps; tell whether that was so."""
        with self.meter.phase("value"):
            fresh = self.evaluation.refreshed()
        if fresh is self.evaluation:
            return False
        self.meter.charge("value", 1)
        self.meter.values += 1
        self.evaluation = fresh
        return True

    def _record(self, model: CurvatureModel | None) -> IterationRecord:
        """Keep a record of the point."""
        evaluation, last = self.evaluation, self.last
        record = IterationRecord(
            iteration=len(self.history),
            value=evaluation.value,
            gradient_norm=size_of(evaluation.gradient),
            relative_gradient=relative_gradient(evaluation),
            smallest_curvature=model.smallest_curvature if model else np.nan,
            radius=self.radius,
            step_norm=last.step_norm if last else 0.0,
            ratio=last.ratio if last else np.nan,
            trials=last.trials if last else 0,
            rows_sampled=model.rows_sampled if model else 0,
            inner_iterations=model.inner_iterations if model else 0,
            **(self.reached if model else self.meter.reading()),
            note="; ".join(part for part in (last.note if last else "", model.note if model else "") if part),
        )
        self.history.append(record)
        return record

    def _report(self, model: CurvatureModel | None) -> bool:
        """Keep a record and show it to the callback; tell whether the callback wants to stop."""
        record = self._record(model)
        if self.callback is None:
            return False
        own: dict[str, Any] = {"phases": dict(record.phases), "phase_passes": dict(record.phase_passes)}
        try:
            self.callback(replace(record, x=self.evaluation.x.copy(), **own))
        except StopIteration:
            return True
        return False
