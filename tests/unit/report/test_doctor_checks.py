"""What the doctor found stands in the trust panel, with reason and remedy."""

import fakes

from mpbench.report import write as report
from mpbench.report.build import build, load_report_data
from mpbench.report.doctor_checks import doctor_checks
from mpbench.report.document import CheckState

FAULT = {
    "key": "quota",
    "level": "fault",
    "subject": "CPU quota",
    "found": "1.5 CPUs",
    "reason": "workers are stopped in the middle",
    "remedy": "lift the quota.",
}
WARNING = {**FAULT, "key": "smt", "level": "warning", "subject": "SMT", "found": "on"}
FINE = {**FAULT, "key": "fork", "level": "fine", "subject": "fork", "reason": "", "remedy": ""}


def machine(name, *findings):
    """Return a run of a machine that the doctor has looked at."""
    return fakes.run(name, agents=1, environment=fakes.environment(name, doctor=list(findings)))


def test_faults_come_before_warnings_with_reason_and_remedy():
    """What is fine is not worth a line."""
    found = doctor_checks([machine("a", WARNING, FINE, FAULT)])

    assert [("CPU quota", CheckState.BAD, "1.5 CPUs"), ("SMT", CheckState.NOTE, "on")] == [
        tuple(one[:3]) for one in found
    ]
    assert "Workers are stopped in the middle. Lift the quota." == found[0].text


def test_a_subject_begins_like_the_other_checks():
    """The doctor's own words are in the middle of a line."""
    (found,) = doctor_checks([machine("a", {**FAULT, "subject": "other programs"})])

    assert "Other programs" == found.name


def test_a_fit_machine_is_said_to_be_fit():
    """A reader sees that somebody has looked."""
    (found,) = doctor_checks([machine("a", FINE, FINE)])

    assert ("Machine", CheckState.GOOD, "fit") == found[:3]
    assert "2 checks" in found.text


def test_results_without_findings_say_nothing():
    """They come from elsewhere, or hold something else under that name."""
    strange = fakes.environment(doctor=["x", {"subject": 3}, {"level": "fault"}])

    assert () == doctor_checks([fakes.run(agents=1)])
    assert () == doctor_checks([fakes.run(agents=1, environment=strange)])
    assert () == doctor_checks(
        [fakes.run(agents=1, environment=fakes.environment(doctor="no list"))]
    )


def test_machines_with_the_same_finding_share_a_line():
    """It names them."""
    found = doctor_checks([machine("a", FAULT), machine("b", FAULT, WARNING), machine("c", FINE)])

    assert ["On a and b.", "On b."] == [one.text.partition(".")[0] + "." for one in found]


def test_the_page_and_the_text_show_them(tmp_path):
    """Escaped like every text of a file."""
    hostile = {**FAULT, "remedy": fakes.HOSTILE}
    run = machine("a", hostile)
    document = build(load_report_data((run,)), with_figures=False)
    report.write((run,), tmp_path)
    page = (tmp_path / "report.html").read_text()

    assert "CPU quota 1.5 CPUs" in document.caution or "cpu quota" in document.caution.lower()
    assert "workers are stopped in the middle".capitalize() in page
    assert "<img src=x" not in page
    assert "CPU quota" in (tmp_path / "report.md").read_text()
