"""Tables in HTML, for notebooks and for pages: headers, captions, and figures to the last bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table.

    Attributes
    ----------
    text : str
        What is read.
    value : float, int, or None
        The same to the last bit, for whoever reads the page by a program; none for words.
    field : str
        The name that the figure has in JSON; none by default.
    numeric : bool
        Whether it is set to the right.
    """

    text: str
    value: float | int | None = None
    field: str = ""
    numeric: bool = True

    def html(self) -> str:
        """Return the table cell."""
        text = escape(self.text)
        if self.value is not None:
            text = f'<data value="{self.value!r}">{text}</data>'
        side = "right" if self.numeric else "left"
        named = f' data-field="{escape(self.field)}"' if self.field else ""
        return f'<td{named} style="text-align:{side}">{text}</td>'


def html_table(
    caption: str,
    headers: Sequence[str],
    rows: Iterable[tuple[str, Sequence[Cell]]],
    *,
    bold: str | None = None,
) -> str:
    """Return a table whose rows are headed by a name.

    Parameters
    ----------
    caption : str
        What it shows.
    headers : sequence of str
        One for the names and one for each cell of a row.
    rows : iterable of (str, sequence of Cell)
        Name and cells.
    bold : str, optional
        The name of a row that stands out.
    """
    body, numeric = [], [True] * len(headers)
    for name, cells in rows:
        numeric = [False, *(cell.numeric for cell in cells)]
        # Notebooks set all headers in bold, and would hide the one that stands out.
        weight = "bold" if name == bold else "normal"
        style = f"text-align:left;white-space:nowrap;font-weight:{weight}"
        head = f'<th scope="row" style="{style}">{escape(name)}</th>'
        body.append(f"<tr>{head}{''.join(cell.html() for cell in cells)}</tr>")
    tops = "".join(
        f'<th scope="col" style="text-align:{"right" if right else "left"}">{escape(header)}</th>'
        for header, right in zip(headers, numeric, strict=True)
    )
    top = f"<table>\n<caption><span>{escape(caption)}</span></caption>"
    lines = [top, f"<thead><tr>{tops}</tr></thead>", "<tbody>"]
    return "\n".join([*lines, *body, "</tbody>\n</table>"])
