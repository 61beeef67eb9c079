"""From a file and what is wished of it to a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from newtonkit.shell.arguments import Wish
from newtonkit.shell.columns import labels, numbers
from newtonkit.shell.encoding import Encoding, fitted_encoding
from newtonkit.shell.kinds import Kind
from newtonkit.shell.mistakes import MistakeError, in_a_line
from newtonkit.shell.reading import DataFile, read

if TYPE_CHECKING:
    from newtonkit.design import FloatArray
    from newtonkit.problems import Problem

_NOT_A_NUMBER = "it must be numbers"


@dataclass(frozen=True)
class FileProblem:
    """A problem made of a file.

    Attributes
    ----------
    problem : Problem
        The problem.
    description : str
        What it is, in a line.
    file : str
        The file it was made of.
    wish : Wish
        What was asked for, every column named.
    encoding : Encoding
        How columns became the design.
    target_factor : float or None
        What the target was divided by; None if each group has its own factor.
    target_sum : float
        The largest sum of the target in a group, after that.
    """

    problem: Problem
    description: str
    file: str
    wish: Wish
    encoding: Encoding
    target_factor: float | None
    target_sum: float


def problem_of_file(path: str, wish: Wish) -> FileProblem:
    """Read a file and return the problem that the options ask for.

    Raises
    ------
    MistakeError
        If the file or a column is not what it has to be.
    """
    file = read(path)
    wish = _completed(file, wish)
    assert wish.target is not None
    target = numbers(file, wish.target, "the target must be numbers")
    extras = _extras(file, wish)
    encoding, matrix = fitted_encoding(file, wish, _uses(wish))
    _check_target(file, wish, target)
    target, factor = _scaled(file, wish, target, extras)
    problem = made_problem(
        wish.kind,
        matrix,
        target,
        ridge=wish.ridge,
        intercept=wish.intercept,
        entropy_weight=wish.entropy_weight,
        **extras,
    )
    description = f"{file.name}: {wish.kind.title} of {wish.target}"
    if wish.target_scale != "none":
        description += f" / its {wish.target_scale}"
    description = in_a_line(description)
    return FileProblem(problem, description, path, wish, encoding, factor, _largest_sum(target, extras))


def made_problem(
    kind: Kind,
    matrix: FloatArray,
    target: FloatArray,
    *,
    ridge: float = 0.0,
    intercept: bool = False,
    entropy_weight: float | None = None,
    groups: Any = None,
    sample_weight: FloatArray | None = None,
    offset: FloatArray | None = None,
) -> Problem:
    """Return a problem of a kind.

    Raises
    ------
    MistakeError
        If the library refuses what it is given.
    """
    from newtonkit import problems  # noqa: PLC0415

    options: dict[str, Any] = dict(kind.fixed)
    if kind.shares:
        options["groups"] = groups
    if kind.needs_entropy_weight:
        options["entropy_weight"] = entropy_weight
    make = getattr(problems, kind.class_name)
    try:
        problem: Problem = make(
            matrix,
            target,
            ridge=ridge,
            fit_intercept=intercept,
            sample_weight=sample_weight,
            offset=offset,
            **options,
        )
    except (TypeError, ValueError) as error:
        raise MistakeError(str(error)) from error
    return problem


def _completed(file: DataFile, wish: Wish) -> Wish:
    """Name the columns that an NPZ file with A and b names by itself."""
    if not file.is_matrix:
        if wish.target is None:
            raise MistakeError(f"{file.name} has no array A with a target b: give --target COLUMN")
        return wish
    named = {wish.target, wish.groups, wish.sample_weight, wish.offset, *wish.drop, *(wish.features or ())}

    def own(use: str, column: str | None) -> str | None:
        return use if column is None and use in file.names and use not in named else column

    groups = own("groups", wish.groups)
    if groups is not None and not wish.kind.shares:
        raise MistakeError(
            f"{file.name} has an array 'groups', which has no meaning for --problem {wish.kind.name}; "
            "leave it out by --drop groups"
        )
    return replace(
        wish,
        target="b" if wish.target is None else wish.target,
        groups=groups,
        sample_weight=own("sample_weight", wish.sample_weight),
        offset=own("offset", wish.offset),
    )


def _uses(wish: Wish) -> dict[str, str]:
    named = {"target": wish.target, "groups": wish.groups, "sample_weight": wish.sample_weight}
    named["offset"] = wish.offset
    return {column: use for use, column in named.items() if column is not None}


def _extras(file: DataFile, wish: Wish) -> dict[str, Any]:
    """Return the arrays beside A and b by the name of their argument."""
    found: dict[str, Any] = {}
    if wish.groups is not None:
        found["groups"] = labels(file, wish.groups)
    for use in ("sample_weight", "offset"):
        column = getattr(wish, use)
        if column is not None:
            found[use] = numbers(file, column, _NOT_A_NUMBER)
    weights = found.get("sample_weight")
    if weights is not None and (weights.min() < 0.0 or weights.max() == 0.0):
        raise MistakeError(
            f"column {wish.sample_weight!r} of {file.name} cannot be weights: "
            "they must be at least 0, and positive somewhere"
        )
    return found


def _check_target(file: DataFile, wish: Wish, target: FloatArray) -> None:
    if wish.kind.name == "cross-entropy" and (target < 0.0).any():
        row = int((target < 0.0).argmax())
        raise MistakeError(
            f"column {wish.target!r} of {file.name}, the target of a cross-entropy, must be at least 0, "
            f"but is {target[row]:g} in row {row + 1}"
        )


def _scaled(
    file: DataFile, wish: Wish, target: FloatArray, extras: Mapping[str, Any]
) -> tuple[FloatArray, float | None]:
    """Return the target divided by its mean or its sums, and what it was divided by.

    Weights say how often a row counts, so that means and sums are weighted, except that the
    weight of a whole group leaves the shares within it alone.
    """
    import numpy as np  # noqa: PLC0415

    if wish.target_scale == "none":
        return target, 1.0
    groups, weights = extras.get("groups"), extras.get("sample_weight")
    if groups is not None:
        names, codes = np.unique(groups, return_inverse=True)
        totals = np.bincount(codes, weights=target)
        if not (totals > 0.0).all():
            k = int((totals <= 0.0).argmax())
            raise MistakeError(
                f"--target-scale sum needs a positive sum in every group, but column {wish.target!r} of "
                f"{file.name} sums to {totals[k]:g} in group {names[k]!s}"
            )
        return target / totals[codes], None
    counted = np.ones(len(target)) if weights is None else weights
    total = float(np.dot(counted, target)) if weights is not None else float(target.sum())
    factor = total if wish.target_scale == "sum" else total / float(counted.sum())
    if not (0.0 < factor < np.inf):
        raise MistakeError(
            f"--target-scale {wish.target_scale} needs a positive {wish.target_scale}, but that of column "
            f"{wish.target!r} of {file.name} is {factor:g}"
        )
    return target / factor, factor


def _largest_sum(target: FloatArray, extras: Mapping[str, Any]) -> float:
    """Return the largest sum of the target in a group, weighted where predictions are."""
    import numpy as np  # noqa: PLC0415

    groups, weights = extras.get("groups"), extras.get("sample_weight")
    if groups is not None:
        _, codes = np.unique(groups, return_inverse=True)
        return float(np.bincount(codes, weights=target).max())
    return float(target.sum() if weights is None else np.dot(weights, target))
