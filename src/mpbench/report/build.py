"""From runs to a document: everything that a report says, before any format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

import mpbench
from mpbench.analysis.advise import advise
from mpbench.analysis.outcome import is_comparison, outcome_of
from mpbench.analysis.summarize import agent_medians, summarize
from mpbench.model import Run
from mpbench.printable import counted
from mpbench.report import figures as drawings
from mpbench.report import formatting, tables
from mpbench.report.advice import advice_table
from mpbench.report.comparison_sections import Compared, compared
from mpbench.report.document import (
    Cell,
    Column,
    Conclusion,
    Document,
    FamilySection,
    Figure,
    Section,
    Table,
    WorkloadSection,
)
from mpbench.report.environments import environments
from mpbench.report.figure_errors import FigureCollector
from mpbench.report.figures.limits import limits_of
from mpbench.report.findings import findings
from mpbench.report.groups import Groups
from mpbench.report.matrix import matrix
from mpbench.report.open_questions import split_unanswered
from mpbench.report.provenance import events, source, subtitle
from mpbench.report.run_names import run_names
from mpbench.report.step_findings import known_steps
from mpbench.report.trust import caution, checks, is_imported
from mpbench.store import frame as frames
from mpbench.store.usage_frame import cpu_usage_frame

__all__ = ("ReportData", "build", "load_report_data")

# So many workloads are named in the title.
_NAMED = 2
# With more cases than this the page shows quantiles of the agents in place of every sample.
_MANY = 500


class ReportData(NamedTuple):
    """The runs of a report and the tables made of them."""

    runs: tuple[Run, ...]
    samples: pd.DataFrame
    agents: pd.DataFrame
    summaries: pd.DataFrame
    repetitions: pd.DataFrame
    groups: Groups

    @property
    def is_large(self) -> bool:
        """Whether there are too many cases to show every sample."""
        return int((self.summaries["fact"] == "").sum()) > _MANY


def load_report_data(runs: Sequence[Run]) -> ReportData:
    """Make the tables of a report."""
    samples = frames.frame(runs)
    agents = agent_medians(samples)
    repetitions = frames.repetitions(runs)
    summaries = summarize(runs, agents, repetitions)
    summaries["row_key"] = _row_keys(summaries)
    summaries["run_name"] = summaries["run"].map(run_names(runs))
    return ReportData(tuple(runs), samples, agents, summaries, repetitions, Groups(summaries))


def _row_keys(summaries: pd.DataFrame) -> list[str]:
    """Return a key for the case of each row: its own, and a number where another run has it too."""
    places: dict[str, dict[tuple[str, str], int]] = {}
    made = []
    for key, run, arm in zip(summaries["key"], summaries["run"], summaries["arm"], strict=True):
        seen = places.setdefault(key, {})
        number = seen.setdefault((run, arm), len(seen) + 1)
        made.append(key if number == 1 else f"{key}-{number}")
    return made


def _samples_table(part: pd.DataFrame, rows: Sequence[Mapping[str, Any]], name: str) -> Table:
    """Return every sample of a workload's main readings: a row for each agent."""
    by_case = dict(list(part.groupby(["case", "arm"], observed=True)))
    made = []
    for row in rows:
        own = by_case.get((row["case"], row["arm"]))
        if own is None:
            continue
        for number, values in own.groupby("repetition")["value"]:
            texts = [formatting.quantity_text(value, row["unit"], digits=4) for value in values]
            label = row["id"] if not row["arm"] else f"{row['id']}, {row['arm']}"
            made.append(
                (
                    Cell(label, label, target=f"case-{row['row_key']}"),
                    Cell(f"{number}", float(str(number))),
                    Cell(", ".join(texts), " ".join(f"{value:.9g}" for value in values)),
                )
            )
    columns = [Column("case", "Case"), Column("agent", "Agent", is_number=True)]
    columns += [Column("samples", "Samples, in the order in which they were taken")]
    title = f"Every sample of {name}"
    return Table(f"samples-{formatting.slug(name)}", title, title, tuple(columns), tuple(made))


def _material(evidence: ReportData, *, with_latencies: bool) -> drawings.FigureData | None:
    """Return what figures and advice are made from: the place with the most readings."""
    material = drawings.prepare(evidence.summaries, evidence.agents)
    if material is None:
        return None
    run = next(run for run in evidence.runs if run.header.run == material.place.run)
    environment = run.header.environment
    return material._replace(
        latencies=frames.latencies((run,)) if with_latencies else None,
        watched=cpu_usage_frame((run,)) if with_latencies else None,
        cpus=environment.get("cpu", {}).get("usable"),
        limits=limits_of(environment),
        gil=run.header.subjects.get(material.place.subject, {}).get("gil"),
    )


class _Builder:
    """Builds the families of a document."""

    def __init__(self, evidence: ReportData, *, with_figures: bool) -> None:
        self.evidence = evidence
        table = evidence.summaries
        self.main = table[table["fact"] == ""]
        self.targets = {
            (row.run, row.subject, row.id): f"case-{row.row_key}"
            for row in self.main[["run", "subject", "id", "row_key"]].itertuples()
        }
        self.material = _material(evidence, with_latencies=with_figures)
        self.with_figures = with_figures
        self.is_comparison = all(map(is_comparison, evidence.runs))
        self.drawer = FigureCollector()
        self.facts: dict[Any, dict[str, Any]] = {}
        for row in table[table["fact"] != ""].to_dict("records"):
            self.facts.setdefault((row["case"], row["arm"]), {})[row["fact"]] = row
        self.agents: dict[Any, tuple[float, ...]] = {}
        if not evidence.is_large:
            own = evidence.agents[evidence.agents["fact"] == ""]
            self.agents = {
                key: tuple(values)
                for key, values in own.groupby(["case", "arm"], observed=True)["median"]
            }

    def part(self, name: str, rows: list[Any], samples: pd.DataFrame) -> WorkloadSection:
        """Return one workload."""
        summary, paragraphs = formatting.docstring_parts(rows[0]["doc"])
        table = tables.workload_table(
            rows, self.facts, self.evidence.groups, self.targets, self.agents
        )
        floors = sorted({row["floor"].partition("[")[0] for row in rows if row["floor"]})
        reasons = sorted({row["no_floor"] for row in rows if row["no_floor"]})
        floor = formatting.join_words(floors) or f"none: {'; '.join(reasons)}"
        large = self.evidence.is_large
        every = None if large else _samples_table(samples, rows, name)
        return WorkloadSection(
            table.key.removeprefix("table-"), name, summary, paragraphs, floor, table, every
        )

    def family(self, name: str, rows: Mapping[str, list[Any]]) -> FamilySection:
        """Return one family, from the rows of each of its workloads."""
        samples = self.evidence.samples
        own = samples[(samples["fact"] == "") & (samples["family"] == name)]
        parts = []
        for workload, each in rows.items():
            parts.append(self.part(workload, each, own[own["workload"] == workload]))
        return FamilySection(
            formatting.slug(name),
            formatting.family_title(name),
            formatting.family_text(name),
            self.figures(name),
            tuple(parts),
        )

    def figures(self, name: str) -> tuple[Figure, ...]:
        """Return the figures of a family."""
        # A figure shows one arm; what a comparison found stands in its table, with both.
        if self.material is None or not self.with_figures or self.is_comparison:
            return ()
        material = self.material
        return self.drawer.draw(name, lambda: drawings.for_material(name, material))

    def advice(self) -> tuple[Table | None, Table | None]:
        """Return what to use on the machine that the figures show, and what it does not tell."""
        material = self.material
        runs = self.evidence.runs
        if material is None or all(is_comparison(run) or is_imported(run) for run in runs):
            return None, None
        answers = advise(material.readings, None, material.cpus, gil=material.gil)
        return split_unanswered(advice_table(answers, self.own_targets(material), material.where))

    def own_targets(self, material: drawings.FigureData) -> dict[str, str]:
        """Return where the cases of the place that the figures show stand in the page."""
        place = material.place
        return {
            str(case): target
            for (run, subject, case), target in self.targets.items()
            if (run, subject) == (place.run, place.subject)
        }

    def steps(self) -> tuple[Conclusion, ...]:
        """Return what is found again of the known steps, there."""
        if self.material is None or all(map(is_comparison, self.evidence.runs)):
            return ()
        return known_steps(self.material, self.own_targets(self.material))

    def comparisons(self) -> tuple[FamilySection, ...]:
        """Return what users compare first, across families, as a section without cases."""
        if self.material is None or not self.with_figures or self.is_comparison:
            return ()
        material, summaries = self.material, self.evidence.summaries
        figures = self.drawer.draw(
            "side by side",
            lambda: (*drawings.comparisons(material), *drawings.matrices(summaries)),
        )
        text = "Start methods, locks, shared values, channels and pool calls side by side."
        return (FamilySection("compare", "Side by side", text, figures, ()),) if figures else ()

    def families(self) -> tuple[FamilySection, ...]:
        """Return every family, the floors last: they are read for comparison."""
        found: dict[str, dict[str, list[Any]]] = {}
        for row in self.main.to_dict("records"):
            found.setdefault(row["family"], {}).setdefault(row["workload"], []).append(row)
        each = (self.family(name, found[name]) for name in sorted(found, key="floor".__eq__))
        return (*self.comparisons(), *each)


def _verdicts(judged: Sequence[Compared]) -> tuple[Section, ...]:
    return tuple(
        Section(
            judgement.table.key,
            "Verdicts" if len(judged) == 1 else f"Verdicts {n}",
            judgement.table,
            judgement.notes,
        )
        for n, judgement in enumerate(judged, 1)
    )


def _verdict(evidence: ReportData, sentences: Sequence[str]) -> str:
    if sentences:
        return sentences[0]
    main = evidence.summaries[evidence.summaries["fact"] == ""]
    measured = int((main["agents"] > 0).sum())
    return (
        f"{measured:,} of {len(main):,} cases were measured."
        if len(main)
        else "Nothing was planned."
    )


def _title(runs: Sequence[Run]) -> str:
    """Return what the page is about: verdicts, another tool's benchmarks, or mpbench's own."""
    if runs and all(is_comparison(run) for run in runs):
        return _comparison_title(runs)
    if runs and all(is_imported(run) for run in runs):
        tools = sorted({str(run.header.plan["imported_from"]) for run in runs})
        count = len({record.case.workload for run in runs for record in run.cases})
        return f"{counted(count, 'benchmark')} from {formatting.join_words(tools)}"
    names = list(dict.fromkeys(record.case.workload for run in runs for record in run.cases))
    what = ", ".join(names) if len(names) <= _NAMED else counted(len(names), "workload")
    machines = sorted({run.header.machine for run in runs})
    where = machines[0] if len(machines) == 1 else counted(len(machines), "machine")
    return f"Cost of multiprocessing: {what} on {where}" if names else "No results"


def _comparison_title(runs: Sequence[Run]) -> str:
    outcomes = [outcome_of(run) for run in runs]
    every = [judgement.comparison for outcome in outcomes for judgement in outcome.judgements]
    arms = {(entry.baseline, entry.candidate) for entry in every}
    if len(arms) != 1:
        return f"{counted(len(runs), 'comparison')} of {counted(len(arms), 'pair')} of arms"
    ((baseline, candidate),) = arms
    titles = list(dict.fromkeys(entry.title for entry in every))
    what = ", ".join(titles) if len(titles) <= _NAMED else counted(len(titles), "case")
    return f"{candidate} against {baseline}: {what}"


def build(evidence: ReportData, *, with_figures: bool = True) -> Document:
    """
    Return the whole report.

    Args:
        evidence: What `load_report_data` made.
        with_figures: Whether to draw; drawing takes most of the time.
    """
    runs, summaries, groups = evidence.runs, evidence.summaries, evidence.groups
    found = findings(summaries, groups)
    judged = compared(runs)
    reasons = checks(runs, summaries, evidence.repetitions)
    builder = _Builder(evidence, with_figures=with_figures)
    advice, unanswered = builder.advice()
    families = builder.families()
    reasons += builder.drawer.check()
    return Document(
        title=_title(runs),
        subtitle=subtitle(runs, groups),
        verdict=_verdict(
            evidence,
            [judgement.sentence for judgement in judged] or [entry.text for entry in found],
        ),
        caution=caution(reasons),
        findings=(*found, *builder.steps()),
        checks=reasons,
        verdicts=_verdicts(judged),
        matrix=None if builder.is_comparison else matrix(summaries, groups),
        families=families,
        environment=environments(runs),
        failures=tables.failures(summaries, groups),
        events=events(runs),
        sources=tuple(source(run) for run in runs),
        version=mpbench.__version__,
        advice=advice,
        unanswered=unanswered,
    )
