"""A solution and how it was found as JSON, and back."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from newtonkit import __version__
from newtonkit.shell.encoding import Encoding
from newtonkit.shell.kinds import KINDS, Kind
from newtonkit.shell.mistakes import MistakeError

if TYPE_CHECKING:
    from newtonkit.certificates import Certificate
    from newtonkit.problems import Problem
    from newtonkit.results import IterationRecord, MinimizeResult
    from newtonkit.shell.fitting import FileProblem

FORMAT = 1
_KINDS_OF_VALUES = {str: "text", dict: "an object", list: "a list", bool: "true or false"}


def as_json(record: dict[str, Any]) -> str:
    """Return a record as JSON: floats to the last bit, null for what is not finite."""
    return json.dumps(plain(record), indent=2, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return a value made of what JSON has; NaN and infinity become None."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def record_of_file(made: FileProblem, result: MinimizeResult) -> dict[str, Any]:
    """Return the record of a problem that was made of a file."""
    wish, encoding = made.wish, made.encoding
    problem = {
        "kind": wish.kind.name,
        "class": wish.kind.class_name,
        "ridge": wish.ridge,
        "entropy_weight": wish.entropy_weight,
        "intercept": wish.intercept,
    }
    data = {
        "file": Path(made.file).name,
        "n": made.problem.design.shape[0],
        "d": made.problem.n_parameters,
        "target": wish.target,
        "columns": encoding.columns,
        "groups": wish.groups,
        "sample_weight": wish.sample_weight,
        "offset": wish.offset,
        "encoding": {
            "categorical": dict(encoding.levels),
            "standardise": None
            if encoding.means is None
            else {"means": encoding.means, "scales": encoding.scales},
            "target_scale": {"divided_by": wish.target_scale, "factor": made.target_factor},
        },
    }
    x = result.x.tolist()
    solution = {
        "coefficients": dict(zip(encoding.names, x, strict=False)),
        "intercept": x[-1] if wish.intercept else None,
    }
    return _record(problem, data, solution, result)


def record_of_ready(name: str, kind: str, problem: Problem, result: MinimizeResult) -> dict[str, Any]:
    """Return the record of a ready-made problem, whose columns are x1 to xd."""
    x = result.x.tolist()
    intercept = x.pop() if problem.fit_intercept else None
    return _record(
        {"kind": kind, "class": type(problem).__name__, "intercept": problem.fit_intercept},
        {"ready_made": name, "n": problem.design.shape[0], "d": problem.n_parameters, "columns": None},
        {"coefficients": {f"x{k}": value for k, value in enumerate(x, 1)}, "intercept": intercept},
        result,
    )


_MORE_COUNTS = ("inner_iterations", "factorisations", "passes", "rank")


def _record(
    problem: dict[str, Any], data: dict[str, Any], solution: dict[str, Any], result: MinimizeResult
) -> dict[str, Any]:
    counts = {name: int(result[name]) for name in ("nit", "nfev", "njev", "nhev", *_MORE_COUNTS)}
    summary = {
        "status": result.status.name,
        "success": bool(result.success),
        "message": result.message,
        "fun": float(result.fun),
        **counts,
        "seconds": result.seconds,
        "relative_gradient": result.history[-1].relative_gradient if result.history else None,
        "method": result.method,
        "method_reason": result.method_reason,
        "certificate": _certificate(result.get("certificate")),
        "starts": [{"fun": value, "status": status.name} for value, status in result.starts],
    }
    return {
        "format": FORMAT,
        "newtonkit": __version__,
        "problem": problem,
        "data": data,
        "solution": solution,
        "result": summary,
        "history": [_iteration(record) for record in result.history],
    }


def _certificate(certificate: Certificate | None) -> dict[str, Any] | None:
    """Return what is proved of the solution; None where nobody asked."""
    if certificate is None:
        return None
    return {f.name: getattr(certificate, f.name) for f in fields(certificate) if f.name != "region"}


def _iteration(record: IterationRecord) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in fields(record) if f.name != "x"}


@dataclass(frozen=True)
class Solution:
    """What ``newtonkit predict`` needs of a record.

    Attributes
    ----------
    kind : Kind
        The kind of problem.
    x : tuple of float
        The coefficients in the order of the design, the intercept last.
    intercept : bool
        Whether there is one.
    entropy_weight : float or None
        The weight of the entropy.
    encoding : Encoding
        How columns become the design.
    groups, sample_weight, offset : str or None
        Columns.
    target_factor : float or None
        What the target was divided by.
    """

    kind: Kind
    x: tuple[float, ...]
    intercept: bool
    entropy_weight: float | None
    encoding: Encoding
    groups: str | None
    sample_weight: str | None
    offset: str | None
    target_factor: float | None


def read_solution(path: str) -> Solution:
    """Read the record of a solve of a file.

    Raises
    ------
    MistakeError
        If it cannot be read, or is not such a record, or lacks something.
    """
    if Path(path).is_dir():
        raise MistakeError(f"cannot read {path}: it is a directory")
    try:
        text = Path(path).read_text(encoding="utf-8")
        record = json.loads(text, parse_constant=_not_json)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is not JSON"
        raise MistakeError(f"cannot read {path}: {reason}") from error
    if not isinstance(record, dict) or not {"newtonkit", "solution", "data"} <= record.keys():
        raise MistakeError(f"{path} is not a solution that 'newtonkit solve' wrote")
    if record.get("format") != FORMAT:
        raise MistakeError(
            f"{path} has format {record.get('format')!r}; newtonkit {__version__} reads format {FORMAT}"
        )
    if isinstance(record["data"], dict) and record["data"].get("ready_made"):
        raise MistakeError(
            f"{path} is a solution of the ready-made data {record['data']['ready_made']}, "
            "which names no columns of a file"
        )
    try:
        return _solution(record)
    except _IncompleteError as error:
        raise MistakeError(f"{path} is no complete solution: {error}") from error


class _IncompleteError(Exception):
    """A key is missing, or its value is of the wrong kind."""


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def _get(record: dict[str, Any], path: str, *kinds: type) -> Any:
    """Return what a record holds under keys joined by dots, and see that it is of the right kind."""
    value: Any = record
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            raise _IncompleteError(f"{path} is missing")
        value = value[key]
    if value is None and type(None) in kinds:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and float in kinds:
        value = float(value)
    if not isinstance(value, kinds):
        raise _IncompleteError(f"{path} is not {_KINDS_OF_VALUES.get(kinds[0], 'a number')}")
    return value


def _solution(record: dict[str, Any]) -> Solution:
    name, none = _get(record, "problem.kind", str), type(None)
    if name not in KINDS:
        raise _IncompleteError(f"there is no problem.kind {name!r}")
    encoding = _encoding(record)
    intercept = _get(record, "problem.intercept", bool)
    coefficients = _get(record, "solution.coefficients", dict)
    if list(coefficients) != list(encoding.names):
        raise _IncompleteError("solution.coefficients are not those of data.columns")
    x = _numbers(list(coefficients.values()), "solution.coefficients")
    if intercept:
        x = (*x, _get(record, "solution.intercept", float))
    gamma = _get(record, "problem.entropy_weight", float, none)
    if KINDS[name].needs_entropy_weight and gamma is None:
        raise _IncompleteError("problem.entropy_weight is not a number")
    return Solution(
        KINDS[name],
        x,
        intercept,
        gamma,
        encoding,
        _get(record, "data.groups", str, none),
        _get(record, "data.sample_weight", str, none),
        _get(record, "data.offset", str, none),
        _get(record, "data.encoding.target_scale.factor", float, none),
    )


def _encoding(record: dict[str, Any]) -> Encoding:
    columns = _get(record, "data.columns", list)
    levels = _get(record, "data.encoding.categorical", dict)
    if not columns or not all(isinstance(column, str) for column in columns):
        raise _IncompleteError("data.columns are not names")
    for column, known in levels.items():
        if not isinstance(known, list) or not all(isinstance(k, str | int | float) for k in known):
            raise _IncompleteError(f"the levels of {column!r} are neither text nor numbers")
    standardise = _get(record, "data.encoding.standardise", dict, type(None))
    encoding = Encoding(tuple(columns), {column: tuple(known) for column, known in levels.items()})
    if standardise is None:
        return encoding
    means, scales = (
        _numbers(_get(record, f"data.encoding.standardise.{part}", list), part)
        for part in ("means", "scales")
    )
    if not len(means) == len(scales) == len(encoding.names):
        raise _IncompleteError("data.encoding.standardise does not fit data.columns")
    return Encoding(encoding.columns, encoding.levels, means, scales)


def _numbers(values: list[Any], where: str) -> tuple[float, ...]:
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise _IncompleteError(f"{where} are not all numbers")
    return tuple(map(float, values))
