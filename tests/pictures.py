"""What the tests of pictures share: an end to figures that pyplot keeps, and text that overlaps."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest


@pytest.fixture(autouse=True)
def _no_figures_left():
    """Close what pyplot keeps, if another test has imported it: it warns of more than 20."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def assert_whole(figure):
    """All text lies within the picture, and no two labels of an axis overlap."""
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    width, height = figure.canvas.get_width_height()
    box = figure.get_tightbbox(renderer)
    assert box.x0 * figure.dpi >= -1.0
    assert box.y0 * figure.dpi >= -1.0
    assert box.x1 * figure.dpi <= width + 1.0
    assert box.y1 * figure.dpi <= height + 1.0
    for axis in figure.axes:
        labels = [t for t in axis.get_xticklabels(which="both") if t.get_text()]
        boxes = sorted((t.get_window_extent(renderer) for t in labels), key=lambda b: b.x0)
        frame = axis.get_window_extent(renderer)
        # Ticks beyond the ends of an axis have labels too, which are not drawn.
        drawn = [b for b in boxes if b.width > 0 and frame.x0 <= (b.x0 + b.x1) / 2 <= frame.x1]
        assert all(left.x1 < right.x0 for left, right in pairwise(drawn)), [t.get_text() for t in labels]
