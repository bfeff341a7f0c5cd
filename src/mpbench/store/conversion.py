"""The way between the records in memory and the lines on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mpbench.model import (
    Case,
    CaseRecord,
    EpisodePosition,
    Metric,
    Repetition,
    ResourceUsage,
    RunEnd,
    RunEvent,
    RunHeader,
    Sample,
)
from mpbench.model.sampled import CpuSeries, SampledUsage
from mpbench.store.compact import compacted
from mpbench.store.schema import (
    SCHEMA,
    AccountLine,
    CaseLine,
    EndLine,
    EnvironmentLine,
    EventLine,
    RepetitionLine,
    SampledItem,
    SampleItem,
    SliceItem,
    TrackItem,
)

__all__ = (
    "case_from_line",
    "case_to_line",
    "end_to_line",
    "event_to_line",
    "header_from_line",
    "header_to_line",
    "repetition_from_line",
    "repetition_to_line",
)


def header_to_line(header: RunHeader) -> EnvironmentLine:
    """Return the first line of a file."""
    return EnvironmentLine(
        schema=SCHEMA,
        run=header.run,
        started_utc=header.started_utc,
        mpbench=header.mpbench,
        machine=header.machine,
        command=list(header.command),
        plan=dict(header.plan),
        subjects={key: dict(value) for key, value in header.subjects.items()},
        environment=dict(header.environment),
    )


def header_from_line(line: EnvironmentLine) -> RunHeader:
    """Return the header that the first line holds."""
    return RunHeader(
        run=line.run,
        started_utc=line.started_utc,
        mpbench=line.mpbench,
        machine=line.machine,
        command=tuple(line.command),
        plan=line.plan,
        subjects=line.subjects,
        environment=line.environment,
    )


def case_to_line(record: CaseRecord) -> CaseLine:
    """Return a planned case as a line."""
    return CaseLine(
        subject=record.subject,
        workload=record.case.workload,
        method=record.case.method,
        params=dict(record.case.params),
        metric=record.metric.key,
        facts={name: metric.key for name, metric in record.facts.items()},
        timing=record.timing,
        floor=record.floor,
        no_floor=record.no_floor,
        revision=record.revision,
        doc=record.doc,
        status=record.status,
        reason=record.reason,
    )


def case_from_line(line: CaseLine, case: Case) -> CaseRecord:
    """
    Return the planned case that a line holds.

    Raises:
        ValueError: It names a metric that does not exist.
    """
    return CaseRecord(
        subject=line.subject,
        case=case,
        metric=Metric.of(line.metric),
        facts={name: Metric.of(key) for name, key in line.facts.items()},
        timing=line.timing,
        floor=line.floor,
        no_floor=line.no_floor,
        revision=line.revision,
        doc=line.doc,
        status=line.status,
        reason=line.reason,
    )


def _finite(facts: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in facts.items() if math.isfinite(value)}


def _sample_to_item(sample: Sample) -> SampleItem:
    return SampleItem(
        elapsed_ns=sample.elapsed_ns,
        operations=sample.operations,
        facts=_finite(sample.facts),
        latencies_ns=list(sample.latencies_ns),
        workers=list(sample.workers),
    )


def _sample_from_item(item: SampleItem) -> Sample:
    return Sample(
        item.elapsed_ns,
        item.operations,
        item.facts,
        compacted(item.latencies_ns),
        tuple(item.workers),
    )


def _not_finite(repetition: Repetition) -> dict[str, list[str]]:
    """Name the facts that no file can hold, so that leaving them out is no secret."""
    names = {
        name
        for sample in repetition.samples
        for name, value in sample.facts.items()
        if not math.isfinite(value)
    }
    return {"not_finite": sorted(names)} if names else {}


def repetition_to_line(repetition: Repetition) -> RepetitionLine:
    """
    Return a repetition as a line.

    A fact that is not finite is left out of its sample and named in
    `extra["not_finite"]`: a file holds no NaN, and one odd reading must not
    cost the other readings of the repetition.
    """
    account, part = repetition.account, repetition.slice
    return RepetitionLine(
        subject=repetition.subject,
        workload=repetition.case.workload,
        method=repetition.case.method,
        params=dict(repetition.case.params),
        number=repetition.number,
        status=repetition.status,
        reason=repetition.reason,
        iterations=repetition.iterations,
        samples=[_sample_to_item(sample) for sample in repetition.samples],
        started_ns=repetition.started_ns,
        elapsed_ns=repetition.elapsed_ns,
        hash_seed=repetition.hash_seed,
        agent=repetition.agent,
        account=None if account is None else AccountLine(**account._asdict()),
        slice=None
        if part is None
        else SliceItem(
            arm=part.arm,
            episode=part.episode,
            launched_first=part.launched_first,
            turns=list(part.turns),
        ),
        extra={**repetition.extra, **_not_finite(repetition)},
        sampled=None if repetition.sampled is None else _sampled_to_item(repetition.sampled),
    )


def _sampled_to_item(sampled: SampledUsage) -> SampledItem:
    tracks = [TrackItem(role=track.role, cpu_ns=list(track.cpu_ns)) for track in sampled.tracks]
    return SampledItem(**{**sampled._asdict(), "at_ns": list(sampled.at_ns), "tracks": tracks})


def _sampled(item: SampledItem | None) -> SampledUsage | None:
    if item is None:
        return None
    values: dict[str, Any] = {name: getattr(item, name) for name in SampledUsage._fields}
    tracks = tuple(CpuSeries(track.role, tuple(track.cpu_ns)) for track in item.tracks)
    return SampledUsage(**{**values, "at_ns": tuple(item.at_ns), "tracks": tracks})


def _account(line: AccountLine | None) -> ResourceUsage | None:
    if line is None:
        return None
    values: dict[str, Any] = {name: getattr(line, name) for name in ResourceUsage._fields}
    return ResourceUsage(**values)


def repetition_from_line(line: RepetitionLine, case: Case) -> Repetition:
    """Return the repetition that a line holds; *case* is shared between repetitions."""
    part = line.slice
    return Repetition(
        subject=line.subject,
        case=case,
        number=line.number,
        status=line.status,
        reason=line.reason,
        iterations=line.iterations,
        samples=tuple(map(_sample_from_item, line.samples)),
        started_ns=line.started_ns,
        elapsed_ns=line.elapsed_ns,
        hash_seed=line.hash_seed,
        agent=line.agent,
        account=_account(line.account),
        slice=None
        if part is None
        else EpisodePosition(part.arm, part.episode, part.launched_first, tuple(part.turns)),
        extra=line.extra,
        sampled=_sampled(line.sampled),
    )


def event_to_line(event: RunEvent) -> EventLine:
    """Return an event as a line."""
    return EventLine(
        elapsed_ns=max(0, event.elapsed_ns), kind=event.kind, text=event.text, case=event.case
    )


def end_to_line(end: RunEnd, digest: str) -> EndLine:
    """Return the last line; *digest* is that of all bytes before it."""
    return EndLine(elapsed_ns=end.elapsed_ns, status=end.status, reason=end.reason, digest=digest)
