"""The page, the Markdown and the CSV of a report."""

import csv
import io
import re
from html.parser import HTMLParser

import fakes
import pytest

from mpbench.analysis.summarize import summarize
from mpbench.errors import OutputError, UsageError
from mpbench.report import write as report
from mpbench.report.build import build, load_report_data
from mpbench.report.csv_file import to_csv
from mpbench.report.html import html
from mpbench.report.markdown import escape, markdown

_VOID = {"meta", "link", "br", "input", "hr", "img"}


class _Page(HTMLParser):
    """Checks that elements are nested and collects what tests ask about."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.elements, self.wrong = [], [], [], set(), []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.elements.add(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if tag == "a" else []
        self.wrong += [name for name in values if name.startswith("on")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")


@pytest.fixture(scope="module")
def runs():
    """Return two made-up runs, one of them with hostile names."""
    return [fakes.run(hostile=True), fakes.run("second", seed=2)]


@pytest.fixture(scope="module")
def document(runs):
    """Return their report."""
    return build(load_report_data(runs))


def test_the_page_is_well_formed(document):
    """Elements are nested, ids are unique, links lead somewhere, nothing has a handler."""
    page = _Page()
    page.feed(html(document))

    assert [] == page.open
    assert [] == page.wrong
    assert len(set(page.ids)) == len(page.ids)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert not {"img", "iframe", "object", "embed", "base"} & page.elements


def test_every_figure_is_drawn(document):
    """Hostile names and failed cases cost no figure."""
    assert sum(len(family.figures) for family in document.families) > 10
    assert "Figures" not in {check.name for check in document.checks}


def test_the_page_names_no_other_place(document):
    """Apart from names of XML vocabularies there is no address in the page."""
    page = re.sub(r"data:image/png;base64,[\w+/=\s]+", "", html(document))
    found = set(re.findall(r"https?://[\w.]+|[\"'(=]//[\w.]+", page))

    assert found <= {"http://www.w3.org"}


def test_equal_results_give_equal_bytes(runs):
    """Nothing in a report depends on when or where it is written."""
    first, second = (build(load_report_data(list(runs))) for _ in range(2))

    assert html(first) == html(second)
    assert markdown(first) == markdown(second)


def test_hostile_names_are_escaped(document):
    """A name that is markup, a formula or a table is only text in each format."""
    page, text = html(document), markdown(document)

    assert "<img" not in page
    assert fakes.HOSTILE not in page
    assert re.search(r"(?<!\\)<img", text) is None
    assert "\u2028" not in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("`x`", r"\`x\`"),
        ("<b>", r"\<b\>"),
        ("two\nlines\u2028here", "two lines here"),
        ("\x1b[31mred", r"\[31mred"),
    ],
)
def test_markdown_shows_text_as_it_is(text, escaped):
    """Whatever Markdown could act on is escaped, and stays on one line."""
    assert escaped == escape(text)


def test_code_in_prose_stays_code(document):
    """What a docstring puts between backticks is code, not a backtick."""
    family = next(one for one in document.families if one.parts)
    part = family.parts[0]._replace(summary="Call `a_b()` <b>`x|y`.")
    family = family._replace(parts=(part,))
    changed = document._replace(families=(family,))

    assert r"Call `a_b()` \<b\>`x|y`." in markdown(changed)
    assert "Call <code>a_b()</code> &lt;b&gt;<code>x|y</code>." in html(changed)


def test_markdown_tables_are_rectangular(document):
    """Every row of a table has as many cells as its head."""
    blocks = [b for b in markdown(document).split("\n\n") if b.startswith("|")]

    assert blocks
    for block in blocks:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert 1 == len(cells)


def test_csv_holds_every_reading(runs):
    """There is a row for each reading, with numbers that can be read back."""
    summaries = summarize(runs)

    rows = list(csv.DictReader(io.StringIO(to_csv(summaries))))

    assert len(summaries) == len(rows)
    for row, (_, expected) in zip(rows, summaries.iterrows(), strict=True):
        if row["median"]:
            assert expected["median"] == pytest.approx(float(row["median"]), rel=1e-8)
        else:
            assert row["status"] != "ok"
            assert row["reason"]


def test_csv_runs_no_formula():
    """A text that a spreadsheet would run gets an apostrophe."""
    run = fakes.run(machine="=cmd|'/c calc'!A1", agents=1)

    text = to_csv(summarize([run]))

    rows = list(csv.DictReader(io.StringIO(text)))
    assert {"'=cmd|'/c calc'!A1"} == {row["machine"] for row in rows}


def test_writing_makes_three_private_files(runs, tmp_path):
    """The files are written whole, readable by their owner only, and again the same."""
    paths = report.write(runs, tmp_path / "new" / "folder")
    first = [path.read_bytes() for path in paths]

    assert ["report.html", "report.md", "report.csv"] == [path.name for path in paths]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in paths}
    assert first == [path.read_bytes() for path in report.write(runs, tmp_path / "new" / "folder")]
    assert 3 == len(list((tmp_path / "new" / "folder").iterdir()))


def test_a_run_given_twice_is_refused(runs, tmp_path):
    """The same run twice would look like two machines that agree."""
    with pytest.raises(UsageError, match="same run"):
        report.write([runs[0], runs[0]], tmp_path)


def test_a_folder_that_is_a_file_is_refused(runs, tmp_path):
    """One line says what cannot be written, and what to do."""
    (tmp_path / "taken").write_text("")

    with pytest.raises(OutputError, match=r"taken: File exists; name another folder"):
        report.write(runs[1:], tmp_path / "taken")


def test_a_quick_report_is_small(document):
    """The page of two quick runs stays far below what a mail or an issue takes."""
    assert len(html(document).encode()) < 2_000_000
