"""Configuration of the documentation site: `sphinx-build -W docs docs/_build`."""

from __future__ import annotations

import tempfile
import zlib
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent

project = "mpbench"
author = "The mpbench developers"
release = version = version_of("mpbench")
extensions = [
    "myst_nb",  # brings myst_parser, and shows notebooks with the outputs that they hold
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
html_theme = "furo"
html_title = "mpbench"
html_show_copyright = False
exclude_patterns = ["_build", "inventories"]
default_role = "code"
nitpicky = False
smartquotes = False  # they turn the two dashes of an option into one

# Notebooks are executed by a test, not by whoever builds the pages.
nb_execution_mode = "off"
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_use_rtype = False


def _inventory(path: Path, folder: Path) -> tuple[str, tuple[str, str]]:
    """
    Return one entry of intersphinx: the names of another site that these pages refer to.

    The pages must build without a network, and the same way everywhere. So `inventories/`
    holds the few names that are used, one a line, in the form of an inventory of Sphinx.
    """
    head, _, body = path.read_text().partition("\n")
    name, number, address = head.removeprefix("# ").split()
    text = (
        f"# Sphinx inventory version 2\n# Project: {name}\n# Version: {number}\n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    target = folder / f"{name.lower()}.inv"
    target.write_bytes(text.encode() + zlib.compress(body.encode()))
    return name.lower(), (address, str(target))


_FOLDER = tempfile.TemporaryDirectory()
intersphinx_mapping = dict(
    _inventory(path, Path(_FOLDER.name)) for path in sorted((HERE / "inventories").glob("*.txt"))
)


def _escape_stars(_: Sphinx, __: Any, lines: list[str]) -> None:
    """Keep patterns such as 'pool/*' of help texts from being read as emphasis."""
    lines[:] = [line.replace("*", r"\*") for line in lines]
    if ".. option:: " in lines:  # an argument that is there to be refused has no name
        lines.clear()


def _own_pages(_: Sphinx, __: str, source: list[str]) -> None:
    """Lead links to files above this folder to the pages that include them."""
    for name, page in (("CONTRIBUTING.md", "CONTRIBUTE.md"), ("CHANGELOG.md", "CHANGES.md")):
        source[0] = source[0].replace(f"](../{name}", f"]({page}")


def setup(app: Sphinx) -> None:
    """Register what changes help texts and pages on their way."""
    app.connect("source-read", _own_pages)
    for event in ("description", "options", "arguments"):
        app.connect(f"sphinx-click-process-{event}", _escape_stars)
