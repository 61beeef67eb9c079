"""``newtonkit predict``: what a solution says of the rows of a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newtonkit.shell.kinds import NORMALISED
from newtonkit.shell.manual import ManualParser
from newtonkit.shell.mistakes import MistakeError, listed
from newtonkit.shell.output import refuse_clashes, replacing
from newtonkit.shell.pages import PREDICT

if TYPE_CHECKING:
    from newtonkit.design import FloatArray
    from newtonkit.shell.reading import DataFile
    from newtonkit.shell.record import Solution

_FORMATS = (".csv", ".parquet", ".npz")
_COLUMN = "prediction"


def add(commands: Any) -> None:
    """Add the command to those of the parser."""
    parser: ManualParser = commands.add_parser("predict", help=PREDICT.purpose, page=PREDICT)
    where = parser.add_argument_group("ARGUMENTS")
    where.add_argument("solution", metavar="SOLUTION", help="the JSON file of 'newtonkit solve --output'")
    where.add_argument("data", metavar="DATA", help="a file with the columns that the solution names")
    output = parser.add_argument_group("OUTPUT")
    output.add_argument(
        "--output",
        metavar="FILE",
        default="-",
        help=f"{listed(_FORMATS, 'or')}; - is CSV on stdout (default: %(default)s)",
    )
    parser.add_common_options()
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Predict, and return the exit code."""
    output = arguments.output
    refuse_clashes({"SOLUTION": arguments.solution, "DATA": arguments.data, "--output": output})
    if output != "-" and not output.lower().endswith(_FORMATS):
        raise MistakeError(f"--output {output} must end in {listed(_FORMATS, 'or')}, or be - for stdout")
    from newtonkit.shell.reading import read  # noqa: PLC0415
    from newtonkit.shell.record import read_solution  # noqa: PLC0415

    solution = read_solution(arguments.solution)
    with replacing(None if output == "-" else output) as place:
        values = predictions(solution, read(arguments.data, solution.encoding.levels_of_text))
        _write(values, place)
    return 0


def predictions(solution: Solution, file: DataFile) -> FloatArray:
    """Return what a solution says of the target in each row of a file.

    The problem is made anew of the rows, with a target of zeros, and asked for its own
    prediction: on the file that was fitted this is the prediction of the fit to the last bit.

    Parameters
    ----------
    solution : Solution
        The solution.
    file : DataFile
        The rows.

    Returns
    -------
    ndarray, shape (n,)
        In the units of the target where the solution knows them; shares otherwise.

    Raises
    ------
    MistakeError
        If a column is missing, or has a value that the solution has no place for.
    """
    import numpy as np  # noqa: PLC0415

    from newtonkit.shell.columns import labels, numbers  # noqa: PLC0415
    from newtonkit.shell.fitting import made_problem  # noqa: PLC0415

    _check_columns(solution, file)
    hint = "the solution takes it for numbers"
    extras: dict[str, Any] = {}
    if solution.groups is not None:
        extras["groups"] = labels(file, solution.groups)
    for name in ("sample_weight", "offset"):
        column = getattr(solution, name)
        if column is not None and (name == "offset" or _weights_count(solution)):
            extras[name] = numbers(file, column, hint)
    problem = made_problem(
        solution.kind,
        solution.encoding.matrix(file, hint),
        np.zeros(file.n_rows),
        intercept=solution.intercept,
        entropy_weight=solution.entropy_weight,
        **extras,
    )
    x = np.array(solution.x)
    if solution.kind.structure == NORMALISED and not np.isfinite(problem.fun(x)):
        raise MistakeError(f"{file.name} is outside the domain of the solution: a sum of f is not positive")
    try:
        values = problem.predict(x)
    except ValueError as error:
        raise MistakeError(f"the solution says nothing of {file.name}: {error}") from error
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values))) + 1
        raise MistakeError(f"the prediction for row {row} of {file.name} is out of the range of numbers")
    if solution.kind.shares or solution.target_factor is None:
        return values
    return values * solution.target_factor


def _weights_count(solution: Solution) -> bool:
    """Tell whether predictions depend on weights: a softmax of all rows counts each as often as it says."""
    return solution.kind.shares and solution.groups is None


def _check_columns(solution: Solution, file: DataFile) -> None:
    """Refuse a file that lacks columns, naming them all at once."""
    wanted = [*solution.encoding.columns, solution.groups, solution.offset]
    if _weights_count(solution):
        wanted.append(solution.sample_weight)
    missing = [name for name in wanted if name is not None and name not in file.names]
    if missing:
        raise MistakeError(
            f"{file.name} has no column{'s' * (len(missing) > 1)} {listed(map(repr, missing), most=99)}, "
            "which the solution needs"
        )


def _write(values: FloatArray, place: Path | None) -> None:
    if place is None or place.suffix.lower() == ".csv":
        text = f"{_COLUMN}\n" + "".join(f"{value!r}\n" for value in values.tolist())
        if place is None:
            sys.stdout.write(text)
        else:
            place.write_text(text, encoding="utf-8", newline="\n")
    elif place.suffix.lower() == ".npz":
        import numpy as np  # noqa: PLC0415

        with place.open("wb") as file:
            np.savez_compressed(file, prediction=values)
    else:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        parquet.write_table(pa.table({_COLUMN: values}), place)
