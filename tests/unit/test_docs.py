"""Generated documents are up to date, and the hand-written ones point to what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpbench.catalog import discover
from mpbench.cli.list import markdown

ROOT = Path(__file__).parent.parent.parent


def test_the_list_of_workloads_is_current() -> None:
    """To renew it: mpbench list --markdown > docs/WORKLOADS.md."""
    assert markdown(discover().values()) == (ROOT / "docs" / "WORKLOADS.md").read_text()


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "reports").glob("*.md")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    """Every relative link names a file of the repository."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())

    assert [] == [link for link in links if not (path.parent / link).exists()]


@pytest.mark.parametrize("name", ["METHODOLOGY.md"])
def test_named_workloads_exist(name: str) -> None:
    """A workload that the methodology names is in the catalogue."""
    text = (ROOT / "docs" / name).read_text()
    families = {one.partition("/")[0] for one in discover()}
    named = set(re.findall(r"`((?:{})/[a-z0-9-]+)`".format("|".join(families)), text))

    assert set() == named - set(discover())
