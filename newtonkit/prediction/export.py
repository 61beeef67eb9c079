"""The figures as what JSON has."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from newtonkit import __version__
from newtonkit.certificates.contraction import PROMISED
from newtonkit.prediction.figures import Cell, NearSolve, Prediction, Row, WholeSolve
from newtonkit.prediction.judgement import is_kept, summaries, verdict
from newtonkit.prediction.solves import ACCURACIES

FORMAT = 1


def figures_of(prediction: Prediction) -> dict[str, Any]:
    """Return all that was measured.

    Parameters
    ----------
    prediction : Prediction
        What was measured.
    """
    return {
        "format": FORMAT,
        "newtonkit": __version__,
        "settings": asdict(prediction.plan) | {"accuracies": ACCURACIES, "contraction": PROMISED},
        "seconds": prediction.seconds,
        "interrupted": prediction.interrupted,
        "kept": is_kept(prediction),
        "verdict": list(verdict(prediction)),
        "problems": [_problem(row) for row in prediction.rows],
        "samples": [asdict(summary) for summary in summaries(prediction)],
    }


def _problem(row: Row) -> dict[str, Any]:
    names = ("kind", "condition", "seeds", "uncertified", "floor", "begins_at_minimum", "note")
    return {name: getattr(row, name) for name in names} | {"methods": [_cell(cell) for cell in row.cells]}


def _cell(cell: Cell) -> dict[str, Any]:
    return asdict(cell) | {
        "whole": _ended(cell.whole),
        "solves": [_ended(solve) for solve in cell.solves],
        "exceeded": len(cell.exceeded),
        "worst": cell.worst,
        "slow": cell.slow,
        "promise": cell.promise and asdict(cell.promise) | {"broken": cell.promise.broken},
    }


def _ended(solve: NearSolve | WholeSolve) -> dict[str, Any]:
    """Return a solve without a status where it was stopped at the minimum."""
    found = asdict(solve)
    if found["status"] is None:
        del found["status"]
    return found
