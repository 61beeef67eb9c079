"""``method=newtonkit.newton`` beside SciPy's methods with second derivatives, on textbook problems.

Run from the root of the repository::

    python -m bench.textbook [--gtol 1e-8] [--long]

Every method has the same start, the exact gradient and Hessian, the same absolute tolerance
on the gradient and 2000 iterations.  What it returns is judged by the derivatives of the
problem alone: "solved" is a minimum, whatever the method says of itself, "admitted" those of
them that it knows, and "false" a success where there is none.  Gradients and values are the
medians of the evaluations relative to newtonkit's, over the problems that both have solved.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import optimize

import newtonkit as nk
from bench.machine import header, machine, versions
from tests.textbook import PROBLEMS, Textbook, is_minimum

METHODS = ("newtonkit", "trust-exact", "trust-krylov", "trust-ncg", "Newton-CG")
_LONG = 1000


@dataclass(frozen=True)
class Outcome:
    """What a method made of a problem."""

    claimed: bool
    true: bool
    nfev: int
    njev: int


def outcome(name: str, problem: Textbook, gtol: float) -> Outcome:
    """Run one method on one problem."""
    options = {"maxiter": 2000, **({"xtol": gtol} if name == "Newton-CG" else {"gtol": gtol})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = optimize.minimize(
                problem.fun,
                problem.start,
                jac=problem.jac,
                hess=problem.hess,
                method=nk.newton if name == "newtonkit" else name,
                options=options,
            )
        except Exception:
            if name == "newtonkit":
                raise
            # trust-exact, for one, hands infinities on to LAPACK: it has not solved that problem.
            return Outcome(False, False, 0, 0)
    return Outcome(bool(result.success), is_minimum(problem, result.x, gtol), result.nfev, result.njev)


def table(problems: list[Textbook], gtol: float) -> str:
    """Return the figures of all methods."""
    ours = [outcome("newtonkit", problem, gtol) for problem in problems]
    lines = [f"{'method':<14}{'solved':>8}{'admitted':>10}{'false':>7}{'gradients':>11}{'values':>8}"]
    for name in METHODS:
        theirs = ours if name == "newtonkit" else [outcome(name, problem, gtol) for problem in problems]
        both = [(a, b) for a, b in zip(theirs, ours, strict=True) if a.true and b.true]
        lines.append(
            f"{name:<14}{sum(o.true for o in theirs):>8}"
            f"{sum(o.true and o.claimed for o in theirs):>10}"
            f"{sum(o.claimed and not o.true for o in theirs):>7}"
            f"{np.median([a.njev / b.njev for a, b in both]):>11.2f}"
            f"{np.median([a.nfev / b.nfev for a, b in both]):>8.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gtol", type=float, default=1e-8, help="tolerance on ||g|| (default: %(default)g)")
    parser.add_argument("--long", action="store_true", help="with the chain of 1000 variables, minutes")
    arguments = parser.parse_args()
    problems = [p for p in PROBLEMS.values() if arguments.long or len(p.x0) < _LONG]
    print(header(machine(), versions("numpy", "scipy")))
    print(f"{len(problems)} problems, gtol {arguments.gtol:g}, 2000 iterations\n")
    print(table(problems, arguments.gtol))


if __name__ == "__main__":
    main()
