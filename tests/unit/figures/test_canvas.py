"""Tests of what every figure's SVG is: one element, reproducible, fit for any page."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from mpbench.report.figures.canvas import render
from mpbench.report.figures.style import INK, SHADES, clean, series_styles

HOSTILE = (
    '</text><script>alert("$x^2$")</script> style="fill: none" #010203 \x07 \u202e \u4e2d\u6587 _x'
)


def drawn(label="plain", name="f-k"):
    """Return the SVG of a small figure with a label and two series."""

    def draw(drawing):
        axes = drawing.subplots()
        axes.plot([1, 2, 3], [1, 3, 2], marker="o")
        axes.set_title(clean(label, longest=200))
        axes.bar([1, 2], [1, 2], hatch="//", color="none", edgecolor=INK)

    return render(name, draw, width=4, height=2)


def parsed(svg):
    """Return the root element."""
    return ET.fromstring(svg)  # noqa: S314 - our own drawing


def colours(svg):
    """Return what the elements are filled and stroked with."""
    return {
        value
        for element in parsed(svg).iter()
        for key, value in element.attrib.items()
        if key in {"fill", "stroke"}
    }


def test_a_figure_is_one_svg_element():
    """There is no prologue, no style sheet and no metadata, and there is a view box."""
    svg = drawn()

    assert svg.startswith("<svg ")
    assert "{http://www.w3.org/2000/svg}svg" == parsed(svg).tag
    assert "viewBox" in parsed(svg).attrib
    assert not any(word in svg for word in ("<style", "<metadata", "<!", "<?", "style="))


def test_equal_input_gives_equal_bytes():
    """Neither a date nor a random id gets into a figure."""
    assert drawn() == drawn()


def test_ids_differ_between_figures():
    """Two figures of one page share no id."""
    first, second = (
        {e.attrib["id"] for e in parsed(drawn(name=name)).iter() if "id" in e.attrib}
        for name in ("a-b", "a-c")
    )

    assert first
    assert set() == first & second


def test_text_and_lines_take_the_colour_of_the_page():
    """The ink is nowhere in the figure; what had it says currentColor, the hatch as well."""
    found = colours(drawn())

    assert "currentColor" in found
    assert INK not in found
    assert not found & {"#000000", "black", "#ffffff", "white"}


def test_hostile_names_stay_text():
    """Markup, formulas and attribute-like words in a name are shown as they are."""
    svg = drawn(HOSTILE)
    texts = [element.text for element in parsed(svg).iter() if element.text]

    assert "<script" not in svg
    assert any('style="fill: none" #010203' in text and "$x^2$" in text for text in texts)


def test_settings_are_put_back():
    """Drawing leaves no trace in matplotlib's settings."""
    before = dict(mpl.rcParams)
    drawn()

    assert before == dict(mpl.rcParams)


def test_clean_drops_control_characters_and_cuts():
    """What could hide or reorder text becomes a space; a long name ends in an ellipsis."""
    assert "a b" == clean("a\x00\u202e\n b")
    assert 10 == len(clean("x" * 100, longest=10))


def test_known_names_keep_their_look():
    """Fork looks the same beside any other names."""
    assert series_styles(("fork", "spawn"))["fork"] == series_styles(("x", "fork", "y"))["fork"]


def test_up_to_eight_series_look_different():
    """No two of eight series share colour, marker and line."""
    names = [f"series {number}" for number in range(8)]

    assert 8 == len(set(series_styles(names).values()))


def contrast(first, second):
    """Return the contrast of two colours by WCAG."""

    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#14161a"])
def test_every_series_can_be_seen_on_light_and_dark(page):
    """Each colour of a line has a contrast of at least 3 to 1 with the page."""
    used = {look.colour for look in series_styles([f"series {n}" for n in range(8)]).values()} - {
        INK
    }

    assert [] == [colour for colour in sorted(used) if contrast(colour, page) < 3]


def test_text_on_parts_can_be_read():
    """Each part of a bar has text of at least 4 to 1 on it."""
    assert [] == [one for one in SHADES if contrast(one.colour.lower(), one.text) < 4]
