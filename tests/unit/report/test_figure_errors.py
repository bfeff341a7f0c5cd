"""A figure that cannot be drawn does not cost the report."""

import pandas as pd

from mpbench.report.document import CheckState, Figure
from mpbench.report.figure_errors import FigureCollector

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'


def _figure(svg=_SVG):
    return Figure("key", "Title", svg, "Caption.", "Alt.", pd.DataFrame())


def test_what_can_be_drawn_is_returned():
    """Figures come back ready for a page, and nothing is noted."""
    drawer = FigureCollector()

    (figure,) = drawer.draw("pool", lambda: (_figure(),))

    assert "aria-hidden" in figure.svg
    assert () == drawer.check()


def test_what_fails_is_said():
    """An error while drawing, and a drawing that is none, become one check."""
    drawer = FigureCollector()

    def fail():
        raise ZeroDivisionError("nothing to divide by")

    assert () == drawer.draw("pool", fail)
    assert () == drawer.draw("pipe", lambda: (_figure("<script/>"),))
    (check,) = drawer.check()

    assert (CheckState.NOTE, "2 not drawn") == (check.state, check.value)
    assert "pool (ZeroDivisionError: nothing to divide by)" in check.text
    assert "pipe (ValueError" in check.text
