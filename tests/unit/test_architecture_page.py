"""The page of the architecture: its picture and every name on it are current."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "ARCHITECTURE.md").read_text()
NAMES = sorted(set(re.findall(r"`(mpbench(?:\.\w+)+)`", PAGE)))


def _script():
    """Return the script that draws the picture, as a module."""
    specification = importlib.util.spec_from_file_location("drawing", DOCS / "architecture.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_picture_shows_the_imports_of_today() -> None:
    """Draw it again with `python docs/architecture.py > docs/architecture.svg`."""
    assert (DOCS / "architecture.svg").read_text() == _script().svg()


def test_an_arrow_is_left_out_only_where_a_longer_way_exists() -> None:
    """The reduced graph reaches what the whole one reaches."""
    drawing = _script()
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set(), "d": {"a"}}

    assert {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a"}} == drawing.reduced(graph)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_page_exists(name: str) -> None:
    """Each dotted name is a module, or something in one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")

        assert hasattr(importlib.import_module(module), attribute)


def test_the_page_names_every_package() -> None:
    """No package of the picture is missing from the table of steps."""
    packages = set(_script().imports()) - {"benchmarks"}

    assert set() == {name for name in packages if f"`{name}`" not in PAGE}
