"""The report in a real browser: what it fetches, shows, sorts, filters, links and copies."""

import csv
import io
import json
import re
import statistics

import fakes
import pytest

pytestmark = pytest.mark.browser

_PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
_PIPE = "#table-pipe-round-trip"


def _column(page, table, title):
    """Return the texts of a column of the rows that are shown."""
    return page.evaluate(
        """([table, title]) => {
          const box = document.querySelector(table);
          const place = [...box.querySelectorAll("thead th")]
            .findIndex((th) => th.textContent.trim() === title);
          return [...box.querySelectorAll("tbody tr")].filter((row) => row.offsetParent !== null)
            .map((row) => row.cells[place].dataset.v ?? row.cells[place].textContent.trim());
        }""",
        [table, title],
    )


def _medians(folder):
    """Compute the median of each case from the result file, with nothing of ours."""
    records = [
        json.loads(line) for line in (folder / "results.jsonl").read_text().split("\n") if line
    ]
    metrics, agents = {}, {}
    for record in records:
        if record["record"] in {"case", "repetition"}:
            key = (record["workload"], record["method"], tuple(sorted(record["params"].items())))
        if record["record"] == "case":
            metrics[key] = record["metric"]
        elif record["record"] == "repetition" and record["status"] == "ok":
            is_rate = metrics[key] == "throughput"
            values = [
                one["operations"] * 1e9 / one["elapsed_ns"]
                if is_rate
                else one["elapsed_ns"] / one["operations"] / 1e9
                for one in record["samples"]
            ]
            agents.setdefault(key, []).append(statistics.median(values))
    return {key: statistics.median(values) for key, values in agents.items()}


def test_the_page_needs_nothing_else(open_report, one):
    """Opening the page fetches nothing and reports no error; see the fixture."""
    page = open_report(one)
    page.wait_for_timeout(200)

    assert page.locator("h1").is_visible()
    assert page.locator("figure svg").count() > 0


def test_every_number_is_that_of_the_result_file(open_report, one):
    """The medians in the page equal those computed from the JSON lines."""
    page = open_report(one)
    found = page.evaluate(
        """() => [...document.querySelectorAll("article > .table")].flatMap((box) => {
          const head = [...box.querySelectorAll("thead th")].map((th) => th.dataset.k);
          const place = head.indexOf("median");
          return [...box.querySelectorAll("tbody tr")].map((row) => row.cells[place].dataset.v);
        })"""
    )

    shown = sorted(float(text) for text in found if text)
    expected = sorted(_medians(one).values())

    assert expected == pytest.approx(shown, rel=1e-5)


def test_without_scripts_everything_is_there(open_report, one):
    """A reader without JavaScript has every table and figure, and no dead control."""
    page = open_report(one, java_script_enabled=False)

    assert page.locator("article > .table tbody tr").count() == 79
    assert page.locator("figure svg").first.is_visible()
    assert not page.locator(".filter").is_visible()
    assert not page.locator(".tools").first.is_visible()
    page.locator("details.doc summary").first.click()
    assert page.locator("details.doc dd").first.is_visible()


def test_sorting_by_a_number_and_back(open_report, one):
    """A click sorts up, the next down, the third restores; the state is in the address."""
    page = open_report(one)
    before = _column(page, _PIPE, "Median")
    button = page.locator(f"{_PIPE} th[data-k=median] button")

    button.click()
    up = [float(value) for value in _column(page, _PIPE, "Median")]
    assert sorted(up) == up
    assert page.locator(f"{_PIPE} th[aria-sort=ascending]").count() == 1
    assert "sort=table-pipe-round-trip" in page.url

    button.press("Enter")
    down = [float(value) for value in _column(page, _PIPE, "Median")]
    assert sorted(down, reverse=True) == down
    assert page.locator(f"{_PIPE} th[aria-sort=descending]").count() == 1

    page.reload()
    assert down == [float(value) for value in _column(page, _PIPE, "Median")]

    page.locator(f"{_PIPE} th[data-k=median] button").click()
    assert before == _column(page, _PIPE, "Median")


def test_what_is_missing_sorts_last(open_report, one):
    """A case without a number stands at the end in both directions."""
    page = open_report(one)
    button = page.locator("#table-pool-map th[data-k=median] button")
    for _ in range(2):
        button.click()
        assert "failed" == _column(page, "#table-pool-map", "Median")[-1]


def test_filtering_keeps_its_state_in_the_address(open_report, one):
    """Words narrow the tables down, empty workloads vanish, and a reload keeps both."""
    page = open_report(one)
    page.locator("input[name=q]").fill("queue spawn")

    assert ["spawn"] * 4 == _column(page, "#table-queue-round-trip", "Start method")
    assert not page.locator("#workload-pipe-round-trip").is_visible()
    assert "4 of 79 cases" == page.locator("output[name=shown]").text_content()
    assert "q=queue" in page.url

    page.reload()
    assert "4 of 79 cases" == page.locator("output[name=shown]").text_content()
    page.locator("button[type=reset]").click()
    page.wait_for_function("document.querySelector('output[name=shown]').value === '79 cases'")
    assert page.locator("#workload-pipe-round-trip").is_visible()
    assert "#" not in page.url


def test_a_link_to_a_case_shows_it(open_report, one):
    """A deep link brings its row into view, also from under a filter."""
    page = open_report(one)
    key = page.locator("#table-pool-imap tbody tr").nth(4).get_attribute("id")

    page = open_report(one, f"#{key}")
    row = page.locator(f"#{key}")
    row.wait_for()
    assert row.evaluate("(row) => row.matches(':target')")
    top = row.evaluate("(row) => row.getBoundingClientRect().top")
    assert 0 < top < 900

    page = open_report(one, "#q=queue")
    page.evaluate("(key) => { location.hash = key; }", key)
    page.locator(f"#{key}").wait_for()


def test_every_link_leads_somewhere(open_report, two):
    """No fragment in the page is dead, and no id occurs twice."""
    page = open_report(two)

    dead = page.evaluate(
        """() => [...document.querySelectorAll("a[href]")].map((a) => a.getAttribute("href"))
          .filter((href) => !href.startsWith("#")
            || !document.getElementById(decodeURIComponent(href.slice(1))))"""
    )
    twice = page.evaluate(
        """() => { const all = [...document.querySelectorAll("[id]")].map((one) => one.id);
          return all.filter((id, place) => all.indexOf(id) !== place); }"""
    )

    assert [] == dead
    assert [] == twice


def _copied(page, table, kind):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(f"{table} [data-copy={kind}]").first.click()
    page.locator(f"{table} .done", has_text="copied").first.wait_for()
    return page.evaluate("() => navigator.clipboard.readText()")


def test_copying_takes_what_is_shown(open_report, one):
    """The copies hold the filtered rows in their sorted order, CSV with raw numbers."""
    page = open_report(one)
    page.locator("input[name=q]").fill("pipe/round-trip spawn")
    page.locator(f"{_PIPE} th[data-k=median] button").click()

    rows = list(csv.DictReader(io.StringIO(_copied(page, _PIPE, "csv"))))
    lines = _copied(page, _PIPE, "markdown").splitlines()

    assert ["spawn"] * 4 == [row["start_method"] for row in rows]
    medians = [float(row["median"]) for row in rows]
    assert sorted(medians) == medians
    assert 6 == len(lines)
    assert re.fullmatch(r"\|( -+:? \|)+", lines[1])
    assert all("spawn" in line for line in lines[2:])


def test_hostile_names_stay_text(open_report, one):
    """Names that are markup make no element and run nothing, in the page and in copies."""
    page = open_report(one)

    assert 0 == page.locator("img").count()
    assert 1 == page.locator("script").count()
    assert page.evaluate("() => typeof boom") == "undefined"
    assert page.locator("h3", has_text="onerror").first.is_visible()
    assert page.evaluate("(name) => document.body.textContent.includes(name)", fakes.HOSTILE)
    table = f"#{page.locator('article > .table', has_text='onerror').first.get_attribute('id')}"
    text = _copied(page, table, "markdown")
    assert "<img" not in text.replace("\\<img", "")


def test_a_page_from_elsewhere_cannot_run_scripts(open_report, one, tmp_path):
    """The policy in the page stops any script but its own, were one ever to get in."""
    (tmp_path / "report.html").write_text(
        (one / "report.html").read_text().replace("</main>", "<script>boom = 1</script></main>")
    )
    # The browser says so in its console, which the fixture would refuse.
    page = open_report(tmp_path, is_watched=False)
    page.wait_for_timeout(100)

    assert page.evaluate("() => typeof boom") == "undefined"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(open_report, two, scheme):
    """At phone width only tables and figures scroll, each in its own box."""
    page = open_report(two, color_scheme=scheme, **_PHONE)

    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert page.locator(".findings li").first.bounding_box()["width"] > 330
    assert page.locator("input[name=q]").bounding_box()["width"] > 200


@pytest.mark.parametrize("options", [{}, _PHONE], ids=["desktop", "phone"])
def test_advice_is_read_without_scrolling_sideways(open_report, two, options):
    """Advice is sentences: they wrap, and no column of them is cut off."""
    page = open_report(two, **options)

    cut = page.evaluate(
        """() => { const box = document.querySelector("#advice-table .scroll");
          return box.scrollWidth - box.clientWidth; }"""
    )
    assert cut <= 0


def test_dark_and_light_differ_and_figures_follow(open_report, one):
    """The page follows the system's scheme, and so does the ink of its figures."""
    colours = {}
    for scheme in ("light", "dark"):
        page = open_report(one, color_scheme=scheme)
        colours[scheme] = page.evaluate(
            """() => [document.body, document.querySelector("figure svg text")]
              .map((one) => { const s = getComputedStyle(one);
                return one === document.body ? s.backgroundColor : s.fill; })"""
        )

    assert colours["light"][0] != colours["dark"][0]
    assert colours["light"][1] != colours["dark"][1]


def test_paper_has_everything_but_the_samples_open(open_report, one):
    """Printed, every detail is shown, and no control; samples would fill most of the pages."""
    page = open_report(one)
    assert not page.locator("details.doc dd").first.is_visible()

    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")

    assert page.locator("details.doc dd").first.is_visible()
    assert not page.locator(".filter").is_visible()
    assert not page.locator(".tools").first.is_visible()
    assert not page.locator("details:not([open], .samples)").count()
    assert not page.locator("details.samples[open]").count()
    assert not page.locator("details.samples table").first.is_visible()
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert not page.locator("details.doc[open]").count()


def test_paper_repeats_the_titles_of_a_table(open_report, one):
    """A head goes on to the next page as text: a button in it would be a blank bar there."""
    page = open_report(one)
    page.emulate_media(media="print")
    styles = page.evaluate(
        """() => [...document.querySelectorAll("thead button")].map((one) => [
          getComputedStyle(one).display, getComputedStyle(one, "::after").content,
          getComputedStyle(one.parentElement).position])"""
    )

    assert {("contents", "none", "static")} == {tuple(one) for one in styles}


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, _PHONE],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_no_serious_fault(open_report, two, axe, options):
    """axe-core finds nothing serious or critical, with all details open."""
    page = open_report(two, bypass_csp=True, **options)
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.add_script_tag(content=axe)
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")

    bad = [
        (one["id"], one["impact"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert [] == bad
