"""The options that ``solve`` and ``compare`` share, and what they ask for once checked."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

from newtonkit.datasets import PROBLEMS, ReadyProblem
from newtonkit.shell.kinds import KINDS, Kind
from newtonkit.shell.mistakes import MistakeError, listed

TARGET_SCALES = ("none", "mean", "sum")
READY_KINDS = tuple(dict.fromkeys(kind for problems in PROBLEMS.values() for kind in problems))


def positive(text: str) -> float:
    """Return a positive number."""
    value = _number(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
    return value


def not_negative(text: str) -> float:
    """Return a number of at least 0."""
    value = _number(text)
    if not 0.0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, got {text!r}")
    return value


def whole(text: str) -> int:
    """Return a whole number of at least 1."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def seed(text: str) -> int:
    """Return a whole number of at least 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@dataclass(frozen=True)
class Wish:
    """What is to be fitted to which columns of a file.

    Attributes
    ----------
    kind : Kind
        The kind of problem.
    target : str or None
        The column of the target; None for the array b of an NPZ file.
    features : tuple of str or None
        The columns of the features; None for all others.
    drop, categorical : tuple of str
        Columns left out; columns turned into one-hot columns.
    groups, sample_weight, offset : str or None
        Columns.
    ridge : float
        Penalty on the coefficients.
    entropy_weight : float or None
        The weight of the entropy, for the kind that has one.
    intercept : bool
        Whether there is one.
    standardise : bool
        Whether features are brought to mean 0 and variance 1.
    target_scale : str
        "none", "mean" or "sum".
    """

    kind: Kind
    target: str | None
    features: tuple[str, ...] | None
    drop: tuple[str, ...]
    categorical: tuple[str, ...]
    groups: str | None
    sample_weight: str | None
    offset: str | None
    ridge: float
    entropy_weight: float | None
    intercept: bool
    standardise: bool
    target_scale: str


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which problem is made of a file."""
    problem = parser.add_argument_group("PROBLEM")
    problem.add_argument(
        "--problem",
        choices=tuple(dict.fromkeys([*KINDS, *READY_KINDS])),
        metavar="KIND",
        help=f"for a file {listed(KINDS, 'or', 99)}; for ready-made data see 'newtonkit problems'",
    )
    problem.add_argument("--ridge", type=not_negative, metavar="R", help="add R/2 |x|^2 (default: 0)")
    problem.add_argument(
        "--entropy-weight", type=not_negative, metavar="G", help="gamma; entropy-softmax needs it"
    )
    problem.add_argument(
        "--intercept",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="add a column of ones, free of the ridge (default: no)",
    )
    _add_columns(parser)


def _add_columns(parser: argparse.ArgumentParser) -> None:
    columns = parser.add_argument_group("COLUMNS OF A FILE")
    columns.add_argument("--target", metavar="COLUMN", help="what is fitted, b")
    columns.add_argument(
        "--features",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        help="the columns of A (default: all that have no other use)",
    )
    columns.add_argument("--drop", metavar="COLUMN", nargs="+", action="extend", help="leave these out")
    columns.add_argument(
        "--categorical",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        help="give each level but the first, in sorted order, a column of 0 and 1",
    )
    columns.add_argument("--groups", metavar="COLUMN", help="labels: one softmax for each")
    columns.add_argument("--sample-weight", metavar="COLUMN", help="how often each row counts")
    columns.add_argument("--offset", metavar="COLUMN", help="is added to A x")
    columns.add_argument(
        "--standardise",
        "--standardize",
        action="store_true",
        help="bring every column of A to mean 0 and variance 1; the solution keeps means and scales",
    )
    columns.add_argument(
        "--target-scale",
        choices=TARGET_SCALES,
        help="divide the target by its mean, or make it sum to 1 (in each group); "
        "see SCALES on the page of solve (default: none)",
    )


def ready_problem(name: str, kind: str | None) -> ReadyProblem:
    """Return the ready-made problem of that name and kind; the first kind by default.

    Raises
    ------
    MistakeError
        If there is no such kind.
    """
    problems = PROBLEMS[name]
    if kind is None:
        return next(iter(problems.values()))
    if kind not in problems:
        raise MistakeError(f"{name} is ready-made with --problem {listed(problems, 'or')}, not {kind}")
    return problems[kind]


def refuse_file_options(arguments: argparse.Namespace, what: str) -> None:
    """Refuse the options that make a problem of a file where there is no file."""
    names = ("target", "features", "drop", "categorical", "groups", "sample_weight", "offset", "standardise")
    more = ("target_scale", "ridge", "entropy_weight", "intercept")
    values = {name: getattr(arguments, name) for name in names + more}
    given = [name for name, value in values.items() if value is not None and value is not False]
    if given:
        options = listed(f"--{name.replace('_', '-')}" for name in given)
        raise MistakeError(f"{options} {'is' if len(given) == 1 else 'are'} for files; {what}")


def wish_of(arguments: argparse.Namespace) -> Wish:
    """Return what the options ask for, or raise a MistakeError where they do not fit together."""
    if arguments.problem is None:
        raise MistakeError("a file needs --problem KIND; 'newtonkit problems' lists the kinds")
    if arguments.problem not in KINDS:
        raise MistakeError(
            f"--problem {arguments.problem} is for ready-made data; a file takes {listed(KINDS, 'or', 99)}"
        )
    kind = KINDS[arguments.problem]
    if arguments.target is None and not str(arguments.data).endswith(".npz"):
        raise MistakeError("a file needs --target COLUMN: what is to be fitted")
    _check_kind(kind, arguments)
    wish = Wish(
        kind=kind,
        target=arguments.target,
        features=None if arguments.features is None else tuple(dict.fromkeys(arguments.features)),
        drop=tuple(dict.fromkeys(arguments.drop or ())),
        categorical=tuple(dict.fromkeys(arguments.categorical or ())),
        groups=arguments.groups,
        sample_weight=arguments.sample_weight,
        offset=arguments.offset,
        ridge=arguments.ridge or 0.0,
        entropy_weight=arguments.entropy_weight,
        intercept=bool(arguments.intercept),
        standardise=arguments.standardise,
        target_scale=arguments.target_scale or "none",
    )
    _check_uses(wish)
    return wish


def _check_kind(kind: Kind, arguments: argparse.Namespace) -> None:
    if kind.needs_entropy_weight and arguments.entropy_weight is None:
        raise MistakeError(f"--problem {kind.name} needs --entropy-weight G")
    if not kind.needs_entropy_weight and arguments.entropy_weight is not None:
        raise MistakeError(f"--entropy-weight is for --problem entropy-softmax, not {kind.name}")
    if arguments.groups is not None and not kind.shares:
        raise MistakeError(f"--groups has no meaning for --problem {kind.name}: its rows do not share a sum")
    if arguments.intercept and not kind.intercept_counts:
        raise MistakeError(
            f"--intercept has no effect in --problem {kind.name}: "
            "adding a constant to all of u leaves a softmax as it is"
        )
    if arguments.target_scale == "mean" and kind.shares:
        raise MistakeError(
            f"--target-scale mean is not for --problem {kind.name}, which predicts shares: use sum"
        )


def _check_uses(wish: Wish) -> None:
    """Refuse a column that is to serve two purposes."""
    uses: dict[str, str] = {}
    for option in ("target", "groups", "sample_weight", "offset"):
        column = getattr(wish, option)
        if column is not None:
            _claim(uses, column, f"--{option.replace('_', '-')}")
    for column in wish.drop:
        _claim(uses, column, "--drop")
    for column in wish.features or ():
        _claim(uses, column, "--features")
    for column in wish.categorical:
        if wish.features is not None and column not in wish.features:
            raise MistakeError(f"--categorical {column} is not among the --features")
        if wish.features is None:
            _claim(uses, column, "--categorical")


def _claim(uses: dict[str, str], column: str, use: str) -> None:
    if column in uses:
        raise MistakeError(f"column {column!r} cannot serve both as {uses[column]} and {use}")
    uses[column] = use
