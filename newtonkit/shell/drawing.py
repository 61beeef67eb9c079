"""The picture of ``newtonkit solve --plot``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from newtonkit.shell.mistakes import MistakeError

if TYPE_CHECKING:
    from newtonkit.problems import Problem
    from newtonkit.results import MinimizeResult

SUBJECTS = ("solve", "predictions", "leverage", "frontier")
"""What can be drawn: the first by default."""


def check_subject(subject: str, problem: Problem) -> None:
    """Refuse, before anything is solved, a picture that there is not for a problem."""
    if subject != "frontier":
        return
    from newtonkit.plots.frontiers import has_frontier  # noqa: PLC0415

    if not has_frontier(problem):
        name = type(problem).__name__
        raise MistakeError(f"--picture frontier is for a softmax with squared loss, not for {name}")


def draw(subject: str, problem: Problem, result: MinimizeResult, path: str | Path, gtol: float) -> None:
    """Draw one of :data:`SUBJECTS` into a file."""
    if subject == "solve":
        result.plot(path, gtol=gtol or None)
        return
    from newtonkit import plots  # noqa: PLC0415
    from newtonkit.plots.style import save  # noqa: PLC0415

    if subject == "frontier":
        axes: Any = plots.frontier(problem)
    else:
        axes = getattr(plots, subject)(problem, result.x)
    save(axes.figure, Path(path))
