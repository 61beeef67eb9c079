"""``newtonkit problems``: the kinds of problem and the ready-made data."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from newtonkit.datasets import PROBLEMS
from newtonkit.shell.kinds import COMMON_OPTIONS, KINDS, Kind
from newtonkit.shell.manual import ManualParser, wrapped
from newtonkit.shell.mistakes import listed
from newtonkit.shell.output import shown
from newtonkit.shell.pages import PROBLEMS_PAGE

_WIDTH = 79
_NAME = 17


def add(commands: Any) -> None:
    """Add the command to those of the parser."""
    parser: ManualParser = commands.add_parser("problems", help=PROBLEMS_PAGE.purpose, page=PROBLEMS_PAGE)
    where = parser.add_argument_group("ARGUMENTS")
    where.add_argument(
        "kind", metavar="KIND", nargs="?", choices=tuple(KINDS), help=f"{listed(KINDS, 'or', 99)}"
    )
    parser.add_common_options()
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the list or the kind, and return the exit code."""
    text = everything() if arguments.kind is None else in_full(KINDS[arguments.kind])
    sys.stdout.write(shown(text))
    return 0


def everything() -> str:
    """Return the list of kinds and of ready-made data, in 79 columns."""
    head = (
        "With u = A x + offset and sums ⟨., .⟩ over the rows (of each group), newtonkit minimises "
        "L(x) = l(u) + ½ ⟨ridge · x, x⟩. For each kind: its class in Python, the paper, l(u), and the "
        f"options that mean something for it besides {listed(COMMON_OPTIONS)}."
    )
    kinds = "\n".join(_in_short(kind) for kind in KINDS.values())
    ready = "\n".join(_ready(name) for name in PROBLEMS)
    return (
        f"{wrapped(head, 0)}\n\n{kinds}\n'newtonkit problems KIND' shows the gradient and the Hessian.\n\n"
        f"Ready-made data, and what --problem makes of it; the first is the default:\n\n{ready}"
    )


def _in_short(kind: Kind) -> str:
    paper = f"arXiv:{kind.paper}" if kind.paper else ""
    lines = [
        f"{kind.name:<{_NAME}}{f'nk.{kind.class_name}':<{_WIDTH - _NAME - 16}}{paper}".rstrip(),
        f"{'':<{_NAME}}{kind.loss}{',  ' if kind.where else ''}{kind.where}",
        f"{'':<{_NAME}}{' '.join(kind.options)}",
    ]
    return "\n".join(lines) + "\n"


def _ready(name: str) -> str:
    lines = []
    for k, (kind, ready) in enumerate(PROBLEMS[name].items()):
        start = f"{name if k == 0 else '':<{_NAME}}{kind:<15}"
        lines.append(start + wrapped(ready.description.partition(": ")[2], len(start)).lstrip())
    extras = dict.fromkeys(ready.extra for ready in PROBLEMS[name].values() if ready.extra)
    lines += [f"{'':<{_NAME}}(needs newtonkit with its extra '{extra}')" for extra in extras]
    return "\n".join(lines) + "\n"


def in_full(kind: Kind) -> str:
    """Return all that is known of a kind, in 79 columns."""
    paper = f", arXiv:{kind.paper}" if kind.paper else ""
    extra = "".join(f", {name}={value!r}" for name, value in kind.fixed.items())
    if kind.needs_entropy_weight:
        extra += ", entropy_weight=γ"
    predicted = {
        "elementwise": f"{kind.name}(u), in the units of the target",
        "rescaled": "f / ⟨f, 1⟩, shares that sum to 1 in each group",
    }.get(kind.structure, "p, shares that sum to 1 in each group")
    rows = [
        ("minimises", "L(x) = l(u) + ½ ⟨ridge · x, x⟩,  u = A x + offset"),
        ("l(u)", kind.loss),
        *(("where" if k == 0 else "", line) for k, line in enumerate(kind.definitions)),
        ("", ""),
        ("gradient", "Aᵀ l′(u) + ridge · x"),
        ("l′(u)", kind.gradient),
        ("Hessian", f"Aᵀ {'(diag(D) + U C Uᵀ)' if kind.columns else 'diag(D)'} A + diag(ridge)"),
        ("D", kind.diagonal),
        *((("U", kind.columns), ("C", kind.core)) if kind.columns else ()),
        ("", ""),
        ("predicts", predicted),
        ("in Python", f"nk.{kind.class_name}(A, b{extra})"),
        ("options", f"{' '.join(COMMON_OPTIONS)}\n{' '.join(kind.options)}"),
        *((("ready-made", listed(_ready_names(kind), most=99)),) if _ready_names(kind) else ()),
    ]
    body = "".join(_row(name, text) for name, text in rows)
    head = f"{kind.name}: {kind.title}{paper}"
    return f"{head}\n\n{body}\n{wrapped(kind.remark)}\n"


def _row(name: str, text: str) -> str:
    lines = text.split("\n")
    rest = "".join(f"{'':<16}{line}\n" for line in lines[1:])
    return f"    {name:<12}{lines[0]}".rstrip() + "\n" + rest


def _ready_names(kind: Kind) -> list[str]:
    return [name for name, problems in PROBLEMS.items() if kind.name in problems]
