"""How much of the CPU time is accounted, and what looking on cost, in the trust panel."""

import fakes

from mpbench.model.sampled import SampledUsage
from mpbench.report.build import build, load_report_data
from mpbench.report.document import CheckState


def check(name, *, coverage=0.99, source="subreaper", sampled=None, looked=True):
    """Return a check of a report in which one repetition of a case is different."""
    run = fakes.run(agents=2)
    seen = SampledUsage(looks=9, late_looks=0, own_cpu_ns=1, watched_ns=1_000)
    first, *rest = run.repetitions
    if looked:
        first = first._replace(sampled=seen)
        rest = [one._replace(sampled=seen) for one in rest]
    account = first.account._replace(cpu_coverage=coverage, cpu_source=source)
    run = run._replace(
        repetitions=(first._replace(account=account, sampled=sampled or first.sampled), *rest)
    )
    checks = build(load_report_data((run,)), with_figures=False).checks
    return next((one for one in checks if one.name == name), None)


def test_a_complete_account_is_good():
    """It says how the CPU time was obtained."""
    found = check("CPU accounting")

    assert (CheckState.GOOD, "99 %") == (found.state, found.value)
    assert "subreaper" in found.text


def test_less_than_nine_tenths_is_flagged_with_the_case():
    """The reader learns which figures not to use."""
    found = check("CPU accounting", coverage=0.42, source="rusage")

    assert (CheckState.NOTE, "42 %") == (found.state, found.value)
    assert "rusage, subreaper" in found.text
    assert "1 of " in found.text
    assert "less than 90 %: floor/empty-call" in found.text


def test_a_sampler_says_what_it_cost():
    """Nothing is said where nobody looked."""
    cheap = SampledUsage(looks=40, late_looks=1, own_cpu_ns=4, watched_ns=1_000)

    assert None is check("Sampler", looked=False)
    assert CheckState.GOOD is check("Sampler", sampled=cheap, looked=False).state
    assert "0.4 %" == check("Sampler", sampled=cheap, looked=False).value
    assert "1 of 40 looks came late" in check("Sampler", sampled=cheap, looked=False).text
    assert (
        CheckState.NOTE
        is check("Sampler", sampled=cheap._replace(own_cpu_ns=30), looked=False).state
    )
    assert (
        CheckState.NOTE
        is check("Sampler", sampled=cheap._replace(late_looks=9), looked=False).state
    )


def test_where_nobody_looked_the_coverage_is_not_known():
    """Old files say 100 % by default; a default is no measurement."""
    found = check("CPU accounting", coverage=1.0, looked=False)

    assert (CheckState.NOTE, "not known") == (found.state, found.value)


def test_what_was_left_is_not_known_where_orphans_are_not_adopted():
    """Nothing recorded is not the same as nothing left."""
    assert "nothing" == check("Left behind").value
    assert "not known" == check("Left behind", source="rusage").value
