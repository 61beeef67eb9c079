"""Formulas as MathML: set by the browser itself, so that a page needs neither scripts nor the network."""

from __future__ import annotations

from typing import Any


def mathml(formula: str, *, display: bool) -> str:
    """Return a formula in TeX as MathML.

    Parameters
    ----------
    formula : str
        The formula, without dollar signs.
    display : bool
        Whether it stands on a line of its own.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    from latex2mathml.converter import convert  # noqa: PLC0415

    try:
        return str(convert(formula.strip(), display="block" if display else "inline"))
    except Exception as error:  # its own errors share no base class
        raise ValueError(f"this formula cannot be set: {formula!r} ({error!r})") from error


def _visit_inline(writer: Any, node: Any) -> None:
    from docutils.nodes import SkipNode  # noqa: PLC0415

    writer.body.append(mathml(node.astext(), display=False))
    raise SkipNode


def _visit_display(writer: Any, node: Any) -> None:
    from docutils.nodes import SkipNode  # noqa: PLC0415

    # A formula that is wider than a telephone is moved sideways by itself, not with the page.
    writer.body.append(f'<div class="formula">{mathml(node.astext(), display=True)}</div>\n')
    raise SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer with Sphinx."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
