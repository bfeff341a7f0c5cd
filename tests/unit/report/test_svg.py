"""Which drawings may stand in a page."""

import pytest

from mpbench.report.document import Strip
from mpbench.report.svg import checked_svg, spread_svg

_NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def _svg(inside, attributes=""):
    return f'<svg {_NS} width="9pt" height="9pt" viewBox="0 0 9 9" {attributes}>{inside}</svg>'


def test_a_drawing_passes_without_its_size_and_style_sheet():
    """What would reach the whole page is taken out; the page decides the size."""
    inside = '<style>*{color:red}</style><path id="p" d="M0 0h1"/><use xlink:href="#p"/>'

    found = checked_svg(_svg(inside))

    assert "<style" not in found
    assert 'width="9pt"' not in found
    assert 'viewBox="0 0 9 9"' in found
    assert 'xlink:href="#p"' in found


def test_text_stays_escaped():
    """A name that is markup is still text after the way through the parser."""
    assert "&lt;script&gt;" in checked_svg(_svg("<text>&lt;script&gt;</text>"))


@pytest.mark.parametrize(
    "hostile",
    [
        _svg("<script>boom()</script>"),
        _svg("<foreignObject/>"),
        _svg('<path onclick="boom()"/>'),
        _svg("", 'onload="boom()"'),
        _svg('<use xlink:href="https://example.org/x.svg#a"/>'),
        _svg('<image href="http://example.org/x.png"/>'),
        _svg('<a href="https://example.org"/>'),
        _svg('<rect style="fill: url(https://example.org/#x)"/>'),
        _svg('<animate attributeName="href"/>'),
        "<!DOCTYPE svg [<!ENTITY a 'b'>]>" + _svg("&a;"),
        _svg("<!-- a comment -->"),
        "<p>no drawing</p>",
        "<svg",
        "",
    ],
)
def test_more_than_a_drawing_is_refused(hostile):
    """A figure that could run or fetch something never reaches a page."""
    with pytest.raises(ValueError, match="expected a"):
        checked_svg(hostile)


def test_a_strip_stays_inside_its_box():
    """Places outside the scale are drawn at its ends."""
    strip = Strip(0.25, 0.5, 0.75, -1.0, 2.0, (-1.0, 0.5, 2.0))

    drawn = spread_svg(strip)

    assert 'd="M4 8h0M60 8h0M116 8h0"' in drawn
    assert 'class="i" d="M32 8H88"' in drawn
    assert 'class="r" d="M4 8H116"' in spread_svg(strip._replace(points=()))
    assert 'class="z" d="M60 1v14"' in spread_svg(strip._replace(mark=0.5))
