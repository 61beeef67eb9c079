"""Put fresh output into the README and the manual: what Python and shell print there, and where.

Run from the root of the repository, after a change of the solver, on a machine with nothing else to do::

    python -m bench.readme
    python -m bench.readme newtonkit/manual/pages/tour.md

The tables under "Measured" are those of the other modules here; they are pasted by hand.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.machine import header, machine, versions

README = Path(__file__).resolve().parent.parent / "README.md"
MANUAL = README.parent / "newtonkit" / "manual" / "pages"
PYTHON = re.compile(
    r"^```python\n(?P<code>.*?)^```\n\n```text\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL
)
SHELL = re.compile(r"(?<=Without options:\n\n```text\n)(?P<output>.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"(?<=^```console\n)(?P<output>.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"(?<=That is a real run: ).*?(?=\. On data)", re.DOTALL)


def python_output(text: str) -> list[str]:
    """Run the Python blocks of a page; return what each prints.

    A later block may use what an earlier one has made.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = []
    for block in PYTHON.finditer(text):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block["code"], "<page>", "exec"), names)
        printed.append(_stripped(out.getvalue()))
    return printed


def shell_output() -> str:
    """Return what ``newtonkit compare`` prints."""
    command = [sys.executable, "-m", "newtonkit", "compare"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=README.parent, timeout=300)
    return _stripped(done.stdout)


def console_output(block: str) -> str:
    """Run the commands of a console block, those after a $, in a folder of their own; return it refreshed."""
    environment = {
        **os.environ,
        "COLUMNS": "80",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
            done = subprocess.run(
                ["bash", "-c", command],
                capture_output=True,
                text=True,
                check=True,
                cwd=folder,
                env=environment,
                timeout=300,
            )
            lines.append(f"$ {command}\n{_stripped(done.stdout)}")
    return "".join(lines)


def _stripped(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _where() -> str:
    return header(machine(), versions("numpy", "scipy")).replace("\n", ",\n")


def refreshed(text: str) -> str:
    """Return a page with fresh output in it."""
    printed = iter(python_output(text))
    text = PYTHON.sub(lambda block: f"```python\n{block['code']}```\n\n```text\n{next(printed)}```", text)
    text = SHELL.sub(lambda _: shell_output(), text)
    text = CONSOLE.sub(lambda block: console_output(block["output"]), text)
    return RUN.sub(lambda _: _where(), text)


if __name__ == "__main__":
    for page in [Path(name) for name in sys.argv[1:]] or [README, *sorted(MANUAL.rglob("*.md"))]:
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")
