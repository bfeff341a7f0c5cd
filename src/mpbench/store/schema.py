"""
Schema of the lines of a result file, apart from the records in memory.

Schema 1: the first. The number stands in the first line of each file. It is
raised when a reader of the old number could misread a file of the new one;
docs/FORMAT.md says what each field means.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mpbench.model import Scalar, StartMethod, Status, Timing, WorkerCount

__all__ = (
    "MAX_DEPTH",
    "MAX_LINE",
    "SCHEMA",
    "AccountLine",
    "AnyLine",
    "CaseLine",
    "EndLine",
    "EnvironmentLine",
    "EventLine",
    "RepetitionLine",
    "SampleItem",
    "SampledItem",
    "SliceItem",
    "TrackItem",
    "decode",
    "encode",
    "is_shallow",
)

SCHEMA = 1

# The agent's channel refuses longer messages, so no honest line is longer.
MAX_LINE = 64 << 20

# Nested lists and objects in the open parts of a record (plan, environment,
# extra); ours have 5, and a reader must not run out of stack.
MAX_DEPTH = 24

# 292 years in nanoseconds; pandas holds no larger integer.
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Name = Annotated[str, Meta(min_length=1, max_length=1_000)]
_Share = Annotated[float, Meta(ge=0, le=1)]


class _Line(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, tag_field="record"):
    """One line; the field `record` says which."""


class _Item(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A part of a line."""


class EnvironmentLine(_Line, frozen=True, tag="environment"):
    """The first line: where, when and how."""

    schema: int
    run: _Name
    started_utc: _Name
    mpbench: _Name
    machine: _Name
    command: list[str]
    plan: dict[str, Any]
    subjects: dict[_Name, dict[str, Any]]
    environment: dict[str, Any]


class CaseLine(_Line, frozen=True, tag="case"):
    """One case on one subject, as it was planned."""

    subject: _Name
    workload: _Name
    method: StartMethod | None
    params: dict[_Name, Scalar]
    metric: _Name
    facts: dict[_Name, _Name]
    timing: Timing
    floor: _Name | None
    no_floor: str | None
    revision: _Count
    doc: str
    status: Status
    reason: str | None


class SampleItem(_Item, frozen=True, omit_defaults=True):
    """One timed run of a body; `workers` holds [start_ns, end_ns, operations]."""

    elapsed_ns: _Count
    operations: _Count
    facts: dict[str, float] = {}
    latencies_ns: list[_Count] = []
    workers: list[WorkerCount] = []


class AccountLine(_Item, frozen=True):
    """What the process tree of a repetition used."""

    wall_ns: _Count
    cpu_user_ns: _Count
    cpu_system_ns: _Count | None
    voluntary_switches: _Count | None
    involuntary_switches: _Count | None
    peak_rss_bytes: _Count | None
    run_delay_ns: _Count | None
    processes: _Count | None
    cpu_source: str
    cpu_coverage: _Share | None


class TrackItem(_Item, frozen=True):
    """The CPU time of one process at each look."""

    role: _Name
    cpu_ns: list[_Count | None]


class SampledItem(_Item, frozen=True, omit_defaults=True):
    """What a sampler saw, and what it cost."""

    looks: _Count
    late_looks: _Count
    own_cpu_ns: _Count
    watched_ns: _Count
    at_ns: list[_Integer] = []
    tracks: list[TrackItem] = []
    left_out: _Count = 0


class SliceItem(_Item, frozen=True):
    """Where a repetition stood in an episode of a comparison."""

    arm: _Name
    episode: _Count
    launched_first: bool
    turns: list[_Count]


class RepetitionLine(_Line, frozen=True, omit_defaults=True, tag="repetition"):
    """What one fresh agent measured of one case; `sampled` is left out where nobody looked."""

    subject: _Name
    workload: _Name
    method: StartMethod | None
    params: dict[_Name, Scalar]
    number: _Count
    status: Status
    reason: str | None
    iterations: _Count
    samples: list[SampleItem]
    started_ns: _Integer
    elapsed_ns: _Count
    hash_seed: _Count | None
    agent: _Integer
    account: AccountLine | None
    slice: SliceItem | None
    extra: dict[str, Any]
    sampled: SampledItem | None = None


class EventLine(_Line, frozen=True, tag="event"):
    """Something a reader should know."""

    elapsed_ns: _Count
    kind: _Name
    text: str
    case: str | None


class EndLine(_Line, frozen=True, tag="end"):
    """How the run ended; `digest` is the SHA-256 of every byte of the file before this line."""

    elapsed_ns: _Count
    status: Status
    reason: str | None
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


AnyLine = EnvironmentLine | CaseLine | RepetitionLine | EventLine | EndLine

_DECODER: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine)
# What the standard library calls a path, a set or an exception is text in a file.
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def encode(line: AnyLine) -> bytes:
    """
    Return a line as JSON with its line break.

    Numbers that are not finite become null, and bytes of a name that are no
    text become question marks.
    """
    try:
        return _ENCODER.encode(line) + b"\n"
    except UnicodeEncodeError:
        return _ENCODER.encode(_as_text(msgspec.to_builtins(line, enc_hook=str))) + b"\n"


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    return value


def decode(text: bytes) -> AnyLine:
    """
    Return the record in a line.

    Raises:
        msgspec.MsgspecError: It is no JSON, or no record of this schema.
        RecursionError: It is nested without end.
    """
    return _DECODER.decode(text)


def is_shallow(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether nested lists and objects end within *depth* levels."""
    if isinstance(value, dict):
        return depth > 0 and all(is_shallow(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth > 0 and all(is_shallow(item, depth - 1) for item in value)
    return True
