"""The page of a profile in a real browser: nothing is fetched, nothing is only for the eye."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "profiling"))

from profiled import pool_of_two

from mpbench.profiling.html_page import page_of
from mpbench.profiling.summary import summary_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def profile_folder(tmp_path_factory):
    """Write the page of a hand-made profile where reports are looked for."""
    folder = tmp_path_factory.mktemp("profile")
    made = pool_of_two(tasks=30)
    (folder / "report.html").write_text(page_of(made, summary_of(made, cpus=2)))
    return folder


def test_the_page_needs_nothing_else(open_report, profile_folder):
    """Opening it fetches nothing and reports no error; see the fixture."""
    page = open_report(profile_folder)

    assert page.locator("svg.timeline").is_visible()
    assert "Profile of program.py" == page.title()


def test_colours_come_from_the_page_itself(open_report, profile_folder):
    """The policy lets the page's own style through, in light and in dark."""
    fills = set()
    for scheme in ("light", "dark"):
        page = open_report(profile_folder, color_scheme=scheme)
        fills.add(page.evaluate("getComputedStyle(document.querySelector('rect.s-working')).fill"))

    assert 2 == len(fills)
    assert "rgb(0, 0, 0)" not in fills


def test_wide_parts_are_reached_with_the_keyboard(open_report, profile_folder):
    """Every part that scrolls sideways takes the focus and has a name."""
    page = open_report(profile_folder, viewport={"width": 390, "height": 844})
    names = []
    for _ in range(20):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))

    assert {"Timeline", "Processes", "Waits"} <= set(names)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_drawing_has_a_text_alternative(open_report, profile_folder):
    """Assistive technology gets a sentence, and rows have their figures as titles."""
    page = open_report(profile_folder)

    assert page.get_by_role("img", name="Timeline of 3 processes").count() == 1
    assert "lived" in page.locator("svg.timeline g title").first.text_content()


def test_the_page_passes_an_accessibility_audit(open_report, profile_folder, axe):
    """No rule of axe-core is broken."""
    page = open_report(profile_folder, is_watched=False, bypass_csp=True)
    page.evaluate(axe)
    found = page.evaluate("axe.run().then((result) => result.violations.map((one) => one.id))")

    assert [] == found
