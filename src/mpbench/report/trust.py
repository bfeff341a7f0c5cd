"""Checks of the trust panel: what the runs say about themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from mpbench.model import Run, Status
from mpbench.report import formatting
from mpbench.report.doctor_checks import doctor_checks
from mpbench.report.document import Check, CheckState
from mpbench.sampling.accounting import ENOUGH_COVERAGE
from mpbench.store.usage_frame import sampler_cost_frame

__all__ = ("caution", "checks", "is_imported")

# The fewest agents with an interval of 95 %, and those that a run takes by default.
_FEWEST, _USUAL = 6, 8
# Half an interval, as a share of the median: what users can act on, and what they cannot.
_PRECISE, _COARSE = 0.05, 0.25
# A share of the wall time spent waiting for a CPU that shows in the figures.
_CROWDED = 0.05
# Characters of a value that has room in a sentence.
_SHORT = 24
# What a sampler may use of one CPU.
_SAMPLER_SHARE = 0.01
# Workers that run together for less than this share do not contend all the time.
_TOGETHER = 0.8


class _Evidence(NamedTuple):
    """What the checks look at."""

    runs: Sequence[Run]
    summaries: pd.DataFrame
    repetitions: pd.DataFrame

    @property
    def main(self) -> pd.DataFrame:
        return self.summaries[self.summaries["fact"] == ""]


def _cases(evidence: _Evidence) -> Check:
    counts = evidence.main["status"].value_counts()
    total, good = len(evidence.main), int(counts.get("ok", 0))
    rest = {str(name): int(n) for name, n in counts.sort_index().items() if name != "ok"}
    partly = int(((evidence.main["status"] == "ok") & (evidence.main["failed"] > 0)).sum())
    words = [f"{number} {name}" for name, number in rest.items()]
    words += [f"{partly} failed in part"] if partly else []
    bad = {"failed", "timeout", "crashed", "lost"} & rest.keys() or partly
    state = CheckState.BAD if bad else CheckState.NOTE if rest else CheckState.GOOD
    text = (
        f"{formatting.join_words(words)}; see the end of the page" if words else "none is missing"
    )
    return Check("Cases measured", state, f"{good:,} of {total:,}", text)


def is_imported(run: Run) -> bool:
    """Tell whether a run was made from another tool's file."""
    return "imported_from" in run.header.plan


def _without_agents(runs: Sequence[Run]) -> set[tuple[str, str, str]]:
    """Return the run, subject and id of each case whose values are not those of fresh agents."""
    return {
        (run.header.run, repetition.subject, repetition.case.id)
        for run in runs
        if is_imported(run)
        for repetition in run.repetitions
        if repetition.extra.get("imported") != "agent"
    }


def _imported(evidence: _Evidence) -> Check | None:
    """Say of values of other tools that they are of no fresh agents."""
    known = _without_agents(evidence.runs)
    if not known:
        return None
    runs = {name for name, _, _ in known}
    sources = sorted(
        {
            str(run.header.plan["imported_from"])
            for run in evidence.runs
            if run.header.run in runs and is_imported(run)
        }
    )
    measured = int((evidence.main["agents"] > 0).sum())
    text = (
        f"{len(known):,} of {measured:,} cases were imported from "
        f"{formatting.join_words(sources)}: "
        "their values are of one process each, or of a few that the file does not tell apart; "
        "no interval says how far processes differ"
    )
    return Check("Agents of imported cases", CheckState.BAD, "not known", text)


def _agents(evidence: _Evidence) -> Check | None:
    main, imported = evidence.main, _without_agents(evidence.runs)
    keys = zip(main["run"], main["subject"], main["id"], main["agents"], strict=True)
    agents = [int(count) for *key, count in keys if count > 0 and tuple(key) not in imported]
    if not agents:
        return None
    low, high = min(agents), max(agents)
    value = f"{low}" if low == high else f"{low} to {high}"
    if low >= _USUAL:
        return Check("Agents per case", CheckState.GOOD, value, "each in a fresh interpreter")
    state = CheckState.BAD if low < _FEWEST else CheckState.NOTE
    text = f"an interval needs {_FEWEST}" if low < _FEWEST else f"{_USUAL} are usual"
    return Check("Agents per case", state, value, text)


def _precision(evidence: _Evidence) -> Check | None:
    main = evidence.main
    half = ((main["high"] - main["low"]) / 2 / main["median"]).dropna()
    if half.empty:
        return None
    typical, worst = float(half.median()), float(half.quantile(0.95))
    state = CheckState.GOOD if typical <= _PRECISE else CheckState.NOTE
    state = CheckState.BAD if typical > _COARSE else state
    text = (
        f"half of the {len(half):,} intervals are narrower; 95 % are within "
        f"±{formatting.percent_text(worst)}"
    )
    return Check("Precision", state, f"±{formatting.percent_text(typical)}", text)


def _load(evidence: _Evidence) -> Check | None:
    shares = []
    for run in evidence.runs:
        average = _get(run, "load", "average")
        usable = _get(run, "cpu", "usable")
        if isinstance(average, list) and average and isinstance(usable, (int, float)) and usable:
            shares.append((float(average[0]) / usable, float(average[0]), run.header.machine))
    if not shares:
        return None
    share, load, machine = max(shares)
    state = CheckState.GOOD if share <= 0.25 else CheckState.NOTE if share <= 1 else CheckState.BAD  # noqa: PLR2004
    where = f" on {machine}" if len(evidence.runs) > 1 else ""
    text = f"load average at the start{where}; other work disturbs what is measured"
    return Check("Load before", state, f"{load:.2f}", text)


def _get(run: Run, *names: str) -> Any:
    value: Any = run.header.environment
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _waiting(evidence: _Evidence) -> Check | None:
    known = evidence.repetitions.dropna(subset=["run_delay_s", "cpu_s"])
    busy = float((known["cpu_s"] + known["run_delay_s"]).sum())
    if not busy:
        return None
    share = float(known["run_delay_s"].sum()) / busy
    state = (
        CheckState.GOOD
        if share <= _CROWDED
        else CheckState.NOTE
        if share <= 4 * _CROWDED
        else CheckState.BAD
    )
    text = "of the time in which processes could have run, they waited for a CPU"
    return Check("Waiting for a CPU", state, formatting.percent_text(share), text)


def _accounting(evidence: _Evidence) -> Check | None:
    known = evidence.repetitions["cpu_coverage"].dropna()
    counted = int(evidence.repetitions["cpu_s"].notna().sum())
    if not counted:
        return None
    if known.empty:
        text = "no sampler looked; CPU time of a child that nobody waits for would be missing"
        return Check("CPU accounting", CheckState.NOTE, "not known", text)
    looked = f"in {len(known):,} of {counted:,} repetitions a sampler looked"
    sources = ", ".join(sorted(set(evidence.repetitions["cpu_source"]) - {""}))
    low, bad = float(known.min()), int((known < ENOUGH_COVERAGE).sum())
    if not bad:
        text = f"of the CPU time that was seen is accounted, at least ({sources}); {looked}"
        return Check("CPU accounting", CheckState.GOOD, formatting.percent_text(low), text)
    cases = evidence.repetitions.loc[known.index[known < ENOUGH_COVERAGE], "case"]
    names = sorted(set(evidence.main.loc[evidence.main["case"].isin(cases), "workload"]))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004
    text = (
        f"of the CPU time that was seen is accounted ({sources}); do not use the CPU figures of "
        f"{bad} of {len(known)} repetitions, which have less than "
        f"{formatting.percent_text(ENOUGH_COVERAGE)}: {formatting.join_words(names[:3])}{more}; "
        f"{looked}"
    )
    return Check("CPU accounting", CheckState.NOTE, formatting.percent_text(low), text)


def _sampler(evidence: _Evidence) -> Check | None:
    """Say what looking on cost, where somebody did."""
    agents = sampler_cost_frame(evidence.runs)
    if agents.empty:
        return None
    share = float(agents["own_share"].quantile(0.95))
    looks, late = int(agents["looks"].sum()), int(agents["late_looks"].sum())
    state = CheckState.GOOD if share <= _SAMPLER_SHARE and late <= looks / 10 else CheckState.NOTE
    text = (
        f"of one CPU at most in 95 % of {len(agents)} agents; {late:,} of {looks:,} looks came late"
    )
    return Check("Sampler", state, formatting.percent_text(share), text)


def _harness(evidence: _Evidence) -> Check | None:
    rows = evidence.main[evidence.main["workload"] == "floor/empty-call"]["median"].dropna()
    if rows.empty:
        return None
    value = formatting.quantity_text(float(rows.max()), "s", digits=2)
    return Check(
        "Harness cost", CheckState.GOOD, value, "is added to each iteration; not subtracted"
    )


def _overlap(evidence: _Evidence) -> Check | None:
    known = evidence.repetitions["overlap"].dropna()
    if known.empty:
        return None
    low = float(known.quantile(0.05))
    state = CheckState.GOOD if low >= _TOGETHER else CheckState.NOTE
    text = "of the time all workers of a contended case ran together, in 95 % of its samples"
    return Check("Concurrency", state, formatting.percent_text(low), text)


def _facts(evidence: _Evidence) -> Check | None:
    facts = evidence.summaries[evidence.summaries["fact"] != ""]
    if facts.empty:
        return None
    low = float(facts["coverage"].min())
    if low >= 1:
        return Check(
            "Further readings", CheckState.GOOD, "complete", "every sample had all of them"
        )
    value = f"{(facts['coverage'] < 1).sum()} of {len(facts)}"
    return Check("Further readings", CheckState.NOTE, value, "were missing in some agents")


def _ending(evidence: _Evidence) -> Check | None:
    ends = [(run.end, run.header.machine) for run in evidence.runs]
    cut = [machine for end, machine in ends if end is None]
    if cut:
        text = f"{formatting.join_words(cut[:3])}: the file has no end; what it has is whole"
        return Check("Complete", CheckState.NOTE, f"{len(cut)} cut off", text)
    stopped = [end for end, _ in ends if end and end.status is Status.INTERRUPTED]
    if stopped:
        return Check("Complete", CheckState.NOTE, f"{len(stopped)} interrupted", "by the user")
    short = [event.text for run in evidence.runs for event in run.events if event.kind == "budget"]
    if short:
        return Check("Complete", CheckState.NOTE, "no", formatting.join_words(short[:3]))
    seconds = sum(end.elapsed_ns for end, _ in ends if end) / 1e9
    took = f"{'it' if len(ends) == 1 else 'they'} took {formatting.quantity_text(seconds, 's')}"
    # Results of other tools do not say how long they took.
    return Check("Complete", CheckState.GOOD, "yes", took if seconds else "")


def _can_show_leftovers(runs: Sequence[Run]) -> bool:
    """Return whether all that was measured ended under a supervisor that adopts orphans."""
    sources = {
        repetition.account.cpu_source
        for run in runs
        for repetition in run.repetitions
        if repetition.account is not None
    }
    is_whole = all(run.end is not None for run in runs if not is_imported(run))
    return is_whole and sources == {"subreaper"}


def _events(evidence: _Evidence) -> Check | None:
    if evidence.runs and all(is_imported(run) for run in evidence.runs):
        # Other tools' files do not say whether anything was left.
        return None
    kinds = [event.kind for run in evidence.runs for event in run.events]
    left = sum(kind in {"leak", "ended"} for kind in kinds)
    if not left and not _can_show_leftovers(evidence.runs):
        text = "this platform does not show what processes leave, or the run was cut off"
        return Check("Left behind", CheckState.NOTE, "not known", text)
    if not left:
        return Check("Left behind", CheckState.GOOD, "nothing", "no process, semaphore or segment")
    return Check(
        "Left behind", CheckState.NOTE, f"{left} times", "cleaned up; see the events below"
    )


def checks(
    runs: Sequence[Run], summaries: pd.DataFrame, repetitions: pd.DataFrame
) -> tuple[Check, ...]:
    """Return every check that the runs give evidence for."""
    evidence = _Evidence(runs, summaries, repetitions)
    every = (
        _cases,
        _agents,
        _imported,
        _precision,
        _load,
        _waiting,
        _overlap,
        _accounting,
        _sampler,
        _facts,
        _harness,
        _events,
        _ending,
    )
    found = (check(evidence) for check in every)
    return (*(check for check in found if check is not None), *doctor_checks(runs))


def caution(found: Sequence[Check]) -> str:
    """Return one sentence about the checks that went badly; empty when none did."""
    bad = [check for check in found if check.state is CheckState.BAD]
    if not bad:
        return ""
    # A finding that is a sentence of its own is named here and told in the panel, and once.
    words = (
        f"{check.name.lower()} {check.value}" if len(check.value) <= _SHORT else check.name.lower()
        for check in bad
    )
    said = [fromkey.replace("cpu", "CPU") for fromkey in dict.fromkeys(words)]
    return f"Read with care: {formatting.join_words(said)}."
