"""``python -m newtonkit.manual FOLDER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from newtonkit.manual import BuildError, build


def main(argv: Sequence[str] | None = None) -> int:
    """Build the site and say where it is; return the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(
        prog="python -m newtonkit.manual",
        description="Build the manual as a site: pages, pictures, and a reference from the docstrings.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="where to put it; made if it is not there")
    folder = Path(parser.parse_args(argv).folder)
    try:
        build(folder)
    except (BuildError, ImportError, ValueError) as error:
        sys.stderr.write(f"{parser.prog}: error: {error}\n")
        return 1
    sys.stdout.write(f"The manual is in {folder / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
