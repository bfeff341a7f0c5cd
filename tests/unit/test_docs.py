"""Generated documents are up to date, and the hand-written ones point to what exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from mpbench.analysis.verdict import Verdict
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


def test_every_page_stands_in_the_contents_of_the_site() -> None:
    """Each page is in one table of contents of index.md, and each entry is a page."""
    index = (ROOT / "docs" / "index.md").read_text()
    trees = re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)
    entries = [
        line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")
    ]
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}

    assert sorted(pages) == sorted(entries)


@pytest.mark.parametrize("name", ["EVIDENCE.md", "METHODOLOGY.md", "TCP.md"])
def test_named_workloads_exist(name: str) -> None:
    """A workload that these documents name is in the catalogue."""
    text = (ROOT / "docs" / name).read_text()
    families = {one.partition("/")[0] for one in discover()}
    named = set(re.findall(r"`((?:{})/[a-z0-9-]+)`".format("|".join(families)), text))

    assert set() == named - set(discover())


def test_the_figure_of_verdicts_shows_what_the_rules_say() -> None:
    """Every zone has an example, and the drawing names the verdicts in that order."""
    spec = importlib.util.spec_from_file_location("verdicts", ROOT / "docs" / "verdicts.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    verdicts = [script._verdict(example) for example in script.EXAMPLES]
    drawn = re.findall(r">([a-z ]+)</text>", (ROOT / "docs" / "verdicts.svg").read_text())

    assert set(Verdict) - {Verdict.INVALID} == set(verdicts)
    assert [verdict.value for verdict in verdicts] == [
        text for text in drawn if text in {verdict.value for verdict in Verdict}
    ]
