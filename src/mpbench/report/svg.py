"""Lets only plain drawings into a page: an SVG that could run, load or restyle is refused."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from mpbench.report.document import Strip

__all__ = ("checked_svg", "spread_svg")

_SVG = "http://www.w3.org/2000/svg"
_LINK = "http://www.w3.org/1999/xlink"
_ELEMENTS = frozenset(
    (
        *("svg", "g", "path", "defs", "use", "clipPath", "rect", "text", "tspan", "title", "desc"),
        *("line", "circle", "ellipse", "polygon", "polyline", "linearGradient", "radialGradient"),
        *("stop", "pattern", "marker", "mask", "image"),
    )
)
_REFERENCE = re.compile(r"url\(\s*[\"']?(?!#)", re.IGNORECASE)
# A picture inside a figure (many points, drawn as pixels) carries its bytes with it.
_OWN = ("#", "data:image/png;base64,")


def _name(tag: str) -> str:
    return tag.removeprefix(f"{{{_SVG}}}")


def _check(element: ET.Element) -> None:
    """
    Refuse an element that is more than a drawing.

    Raises:
        ValueError: It could run a script or fetch something.
    """
    name = _name(element.tag)
    if name not in _ELEMENTS:
        raise ValueError(f"expected a drawing, found the element {name!r}")
    for key, value in element.attrib.items():
        short = key.rpartition("}")[2].lower()
        if short.startswith("on") or _REFERENCE.search(value):
            raise ValueError(f"expected a drawing, found the attribute {short!r} of {name!r}")
        if short == "href" and not value.startswith(_OWN):
            raise ValueError(f"expected a drawing, found a reference to {value[:40]!r}")


def checked_svg(text: str) -> str:
    """
    Return an SVG as it can stand inside a page.

    Style sheets in it would reach the whole page and are taken out; so are a
    fixed width and height, for the page decides how wide a figure is.

    Raises:
        ValueError: It is no SVG, or more than a drawing.
    """
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _LINK)
    if "<!" in text:
        # A declaration could define entities that grow without end.
        raise ValueError("expected an SVG, found a declaration or a comment in it")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no entities: checked above
    except ET.ParseError as error:
        raise ValueError(f"expected an SVG, found {error}") from error
    for parent in root.iter():
        for child in [one for one in parent if _name(one.tag) in {"style", "metadata"}]:
            parent.remove(child)
    for element in root.iter():
        _check(element)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return ET.tostring(root, encoding="unicode")


def spread_svg(strip: Strip) -> str:
    """Return a small drawing of how the agents of a case are spread, or where a ratio stands."""

    def x(place: float) -> str:
        return f"{4 + 112 * min(1.0, max(0.0, place)):.1f}".removesuffix(".0")

    parts = []
    if strip.mark is not None:
        parts.append(f'<path class="z" d="M{x(strip.mark)} 1v14"/>')
    if strip.low is not None and strip.high is not None:
        parts.append(f'<path class="i" d="M{x(strip.low)} 8H{x(strip.high)}"/>')
    if strip.points:
        dots = "".join(f"M{x(point)} 8h0" for point in strip.points)
        parts.append(f'<path class="a" d="{dots}"/>')
    else:
        parts.append(f'<path class="r" d="M{x(strip.smallest)} 8H{x(strip.largest)}"/>')
    parts.append(f'<path class="m" d="M{x(strip.median)} 2v12"/>')
    return f'<svg class="strip" viewBox="0 0 120 16" aria-hidden="true">{"".join(parts)}</svg>'
