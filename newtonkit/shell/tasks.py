"""What a command works on: a problem made of a file, or a ready-made one."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newtonkit.datasets import PROBLEMS, ReadyProblem
from newtonkit.shell.arguments import Wish, ready_problem, refuse_file_options, wish_of
from newtonkit.shell.kinds import NORMALISED, RESCALED
from newtonkit.shell.mistakes import MistakeError, listed
from newtonkit.shell.reading import SUFFIXES

if TYPE_CHECKING:
    from newtonkit.problems import Problem
    from newtonkit.results import MinimizeResult

# Shares sum to 1, but for the rounding in which a file gives them.
_MOST_SHARES = 1.01


@dataclass(frozen=True)
class Task:
    """A problem with what the shell has to know of it.

    Attributes
    ----------
    problem : Problem
        The problem.
    description : str
        What it is, in a line.
    names : tuple of str
        The names of its coefficients, without the intercept.
    record : callable
        Takes a result and returns the record for the JSON.
    notes : tuple of str
        What one has to know to read the coefficients.
    """

    problem: Problem
    description: str
    names: tuple[str, ...]
    record: Callable[[MinimizeResult], dict[str, Any]]
    notes: tuple[str, ...] = ()


def preparation(arguments: argparse.Namespace) -> Callable[[], Task]:
    """Check the arguments on DATA, reading nothing yet; return what makes the task of them.

    Raises
    ------
    MistakeError
        If the arguments do not fit together, or there is nothing of that name.
    """
    name = arguments.data
    if name in PROBLEMS:
        refuse_file_options(arguments, f"{name} is ready-made (./{name} would be a file)")
        chosen = ready_problem(name, arguments.problem)
        return lambda: ready_task(name, chosen)
    if not os.path.lexists(name):
        if name.lower().endswith(SUFFIXES):
            raise MistakeError(f"cannot read {name}: No such file or directory")
        raise MistakeError(
            f"there is neither a file nor ready-made data called {name!r}; files end in "
            f"{listed(SUFFIXES, 'or')}, ready-made are {listed(PROBLEMS)}"
        )
    wish = wish_of(arguments)
    return lambda: _file_task(name, wish)


def ready_task(name: str, ready: ReadyProblem) -> Task:
    """Load a ready-made problem, or say in a line what has to be installed for it."""
    from newtonkit.shell.record import record_of_ready  # noqa: PLC0415

    kind = next(kind for kind, problem in PROBLEMS[name].items() if problem is ready)
    try:
        problem = ready.load()
    except ImportError as error:
        raise MistakeError(str(error)) from error
    d = problem.n_parameters - problem.fit_intercept
    return Task(
        problem,
        ready.description,
        tuple(f"x{k}" for k in range(1, d + 1)),
        lambda result: record_of_ready(name, kind, problem, result),
    )


def _file_task(path: str, wish: Wish) -> Task:
    from newtonkit.shell.fitting import problem_of_file  # noqa: PLC0415
    from newtonkit.shell.record import record_of_file  # noqa: PLC0415

    made = problem_of_file(path, wish)
    notes = []
    if wish.kind.structure in (RESCALED, NORMALISED) and made.target_sum > _MOST_SHARES:
        where = "" if wish.groups is None else " in some group"
        notes.append(
            f"Predictions sum to 1, but the target sums to {made.target_sum:.6g}{where}: --target-scale sum?"
        )
    if made.encoding.levels and not wish.intercept and wish.kind.intercept_counts:
        notes.append("Without --intercept, the first level of each categorical column is held at u = 0.")
    if made.encoding.means is not None:
        notes.append("Coefficients are for one standard deviation of their column.")
    if made.target_factor is None:
        notes.append("The target was divided by its sum in each group.")
    elif wish.target_scale != "none":
        notes.append(f"The target was divided by its {wish.target_scale}, {made.target_factor:.6g}.")
    return Task(
        made.problem,
        made.description,
        made.encoding.names,
        lambda result: record_of_file(made, result),
        tuple(notes),
    )
