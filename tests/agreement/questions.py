"""
The questions that users ask, answered from result files: a table for docs/EVIDENCE.md.

`mpbench run --tier standard` answers all but a few figures; `EXTRA` measures
those, and both commands stand in the table's head.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mpbench.analysis.summarize import summarize
from mpbench.store.writer import read
from mpbench.units import format_quantity


class Part(NamedTuple):
    """One figure of an answer."""

    label: str
    workload: str
    method: str = ""
    fact: str = ""
    params: tuple[tuple[str, Any], ...] = ()


class Question(NamedTuple):
    """A question, the workloads that answer it, and the figures to show."""

    text: str
    workloads: str
    parts: tuple[Part, ...]


class Extra(NamedTuple):
    """A run of workloads that tier standard leaves to tier full, with as few values as will do."""

    workloads: tuple[str, ...]
    params: tuple[tuple[str, tuple[Any, ...]], ...]
    method: str = "fork"

    @property
    def command(self) -> str:
        """What to type."""
        selected = " ".join(f"--select {name}" for name in self.workloads)
        chosen = " ".join(f"--param {name}={','.join(map(str, v))}" for name, v in self.params)
        start = f"--start-method {self.method}"
        return f"mpbench run --tier standard --reps 8 {start} {selected} {chosen}"


STANDARD = "mpbench run --tier standard"
EXTRA = Extra(
    (
        "process/memory-after-fork",
        "pipe/out-of-band",
        "condition/abandoned-waiter",
        "peer/billiard",
        "peer/joblib",
        "peer/loky",
        "peer/mpire",
    ),
    (
        ("use", ("collect",)),
        ("payload_bytes", (1 << 16, 1 << 24)),
        ("call", ("map",)),
        ("chunk_size", (1,)),
    ),
)

METHODS = ("fork", "forkserver", "spawn")


def each(workload: str, fact: str = "", **params: Any) -> tuple[Part, ...]:
    """Return one figure for each start method."""
    return tuple(Part(method, workload, method, fact, tuple(params.items())) for method in METHODS)


def one(label: str, workload: str, method: str = "", fact: str = "", **params: Any) -> Part:
    """Return one figure."""
    return Part(label, workload, method, fact, tuple(params.items()))


QUESTIONS = (
    Question(
        "What do fork, forkserver and spawn cost me?",
        "`process/start-to-join`, `cross/start-matrix`",
        each("process/start-to-join"),
    ),
    Question(
        "Does a forkserver preload work, and what does it save?",
        "`process/start-by-imports`",
        (
            one("without", "process/start-by-imports", "forkserver", preload=False),
            one("with", "process/start-by-imports", "forkserver", preload=True),
        ),
    ),
    Question(
        "Why does `start()` slow down past some argument size?",
        "`process/start-by-argument` (`start_return`)",
        tuple(
            one(
                f"spawn {size // 1024} KiB",
                "process/start-by-argument",
                "spawn",
                "start_return",
                payload_bytes=size,
                main_ms=0,
            )
            for size in (61_440, 73_728, 1_048_576)
        ),
    ),
    Question(
        "How much of start-up is imports?",
        "`process/anatomy`, `process/start-by-imports`, `process/import-weight`",
        (
            one("spawn in all", "process/anatomy", "spawn", main="neutral"),
            one("interpreter boot", "process/anatomy", "spawn", "boot", main="neutral"),
            one("common imports", "process/start-by-imports", "spawn", preload=False),
        ),
    ),
    Question(
        "Does fork get slower with my memory?",
        "`process/start-at-rss`",
        (
            one("fork 0", "process/start-at-rss", "fork", rss_mib=0),
            one("fork 256 MiB", "process/start-at-rss", "fork", rss_mib=256),
            one("spawn 0", "process/start-at-rss", "spawn", rss_mib=0),
            one("spawn 256 MiB", "process/start-at-rss", "spawn", rss_mib=256),
        ),
    ),
    Question(
        "Why does memory grow after fork, and does `gc.freeze` help?",
        "`process/memory-after-fork` (extra)",
        tuple(
            one(
                f"frozen={frozen}",
                "process/memory-after-fork",
                "fork",
                use="collect",
                frozen=frozen,
            )
            for frozen in (False, True)
        ),
    ),
    Question(
        "How many workers, in a container too?",
        "`cross/oversubscription`, `pool/strong-scaling`",
        tuple(
            one(f"{workers} workers", "pool/strong-scaling", work="cpu", workers=workers)
            for workers in (1, 2, 4, 8)
        ),
    ),
    Question(
        "Which chunk size?",
        "`pool/task-overhead`, `pool/chunk-surface`",
        (
            one("map, 1", "pool/task-overhead", "fork", call="map", chunk_size=1),
            one("map, 32", "pool/task-overhead", "fork", call="map", chunk_size=32),
        ),
    ),
    Question(
        "Is `imap` lazy?",
        "`pool/imap-memory`",
        (one("payloads read ahead", "pool/imap-memory", "", "read_ahead", call="imap"),),
    ),
    Question(
        "Queue, SimpleQueue or Pipe?",
        "`pipe/round-trip`, `queue/round-trip`",
        (
            one("Pipe", "pipe/round-trip", "fork", payload_bytes=64, form="object"),
            one("SimpleQueue", "queue/round-trip", "fork", payload_bytes=64, kind="SimpleQueue"),
            one("Queue", "queue/round-trip", "fork", payload_bytes=64, kind="Queue"),
        ),
    ),
    Question(
        "Why is my put fast and the message late?",
        "`queue/put-delivered`, `queue/feeder-under-load`",
        (
            one(
                "put returns, 1 MiB",
                "queue/put-delivered",
                "fork",
                "put_return",
                payload_bytes=1 << 20,
                kind="Queue",
            ),
            one("delivered", "queue/put-delivered", "fork", payload_bytes=1 << 20, kind="Queue"),
            one("64 B, busy main thread", "queue/feeder-under-load", "fork"),
        ),
    ),
    Question(
        "Are timed gets slower (third-party queues are compared by them)?",
        "`queue/get-variants`, `queue/throughput`",
        (
            one("get", "queue/get-variants", call="get"),
            one("get(timeout)", "queue/get-variants", call="get-timeout"),
        ),
    ),
    Question(
        "Are large messages slow?",
        "`pipe/large-receive`",
        (
            one(
                "socket, 16 MiB",
                "pipe/large-receive",
                "fork",
                payload_bytes=1 << 24,
                channel="socket",
            ),
            one(
                "pipe, 16 MiB", "pipe/large-receive", "fork", payload_bytes=1 << 24, channel="pipe"
            ),
        ),
    ),
    Question(
        "Out of band or shared memory: from which size?",
        "`shared/hand-over`, `pipe/out-of-band` (extra)",
        tuple(
            one(
                f"{name}, {size >> 10} KiB",
                "shared/hand-over",
                "fork",
                payload_bytes=size,
                transport=kind,
            )
            for size in (1 << 14, 1 << 20)
            for name, kind in (("pipe", "pipe"), ("memory", "memory-and-semaphore"))
        )
        + tuple(
            one(
                f"{form}, {size >> 10:,} KiB",
                "pipe/out-of-band",
                "fork",
                payload_bytes=size,
                form=form,
            )
            for size in (1 << 16, 1 << 24)
            for form in ("in-band", "out-of-band")
        ),
    ),
    Question(
        "Why is a Manager slow?",
        "`manager/access`, `shared/access`, `manager/clients`",
        (
            one("Manager Value", "manager/access", "fork", kind="Value"),
            one("Value", "shared/access", "fork", kind="Value", operation="read"),
        ),
    ),
    Question(
        "Remote manager: are small messages slower than large ones?",
        "`manager/network`",
        tuple(
            one(f"TCP, {size} B", "manager/network", "fork", family="AF_INET", payload_bytes=size)
            for size in (64, 16_384, 65_536)
        ),
    ),
    Question(
        "Who deletes shared memory, and what does tracking cost?",
        "`shared/memory-create`",
        (
            one("create and unlink", "shared/memory-create", payload_bytes=65_536),
            one(
                "CPU of the tracker",
                "shared/memory-create",
                "",
                "tracker_cpu",
                payload_bytes=65_536,
            ),
        ),
    ),
    Question(
        "Why is the first write to shared memory slow?",
        "`shared/create`",
        tuple(
            one(
                f"{fact}, 16 MiB",
                "shared/create",
                "",
                fact,
                kind="SharedMemory",
                payload_bytes=1 << 24,
            )
            for fact in ("create", "first_touch", "steady")
        ),
    ),
    Question(
        "What do the locks of Value and Array cost?",
        "`shared/access`, `shared/contended-counter`",
        (
            one("Value +=, locked", "shared/access", "fork", kind="Value", operation="increment"),
            one("RawValue +=", "shared/access", "fork", kind="RawValue", operation="increment"),
            one(
                "updates lost without",
                "shared/contended-counter",
                "fork",
                "lost_share",
                kind="unlocked",
                workers=2,
            ),
        ),
    ),
    Question(
        "How late do notify, Event and Barrier wake?",
        "`condition/notify`, `condition/event-set-to-wake`, `condition/barrier-cycle`, "
        "`condition/abandoned-waiter` (extra)",
        (
            one(
                "notify_all, last of 4",
                "condition/notify",
                "fork",
                "last_wake",
                call="notify_all",
                waiters=4,
            ),
            one("Event, 1 waiter", "condition/event-set-to-wake", "fork", waiters=1),
            one("Event, last of 4", "condition/event-set-to-wake", "fork", "last_wake", waiters=4),
            one("Barrier of 2", "condition/barrier-cycle", "fork", parties=2),
            one("blocked by a dead waiter", "condition/abandoned-waiter", "fork", "blocked"),
        ),
    ),
    Question(
        "Is the lock fair?",
        "`lock/contended` (`jain`, `longest_wait`)",
        tuple(
            one(
                f"{label}, 4 workers, {length // 1000} us held",
                "lock/contended",
                "fork",
                fact,
                workers=4,
                critical_ns=length,
                outside_ns=1_000,
            )
            for length in (1_000, 100_000)
            for label, fact in (("Jain", "jain"), ("longest wait", "longest_wait"))
        ),
    ),
    Question(
        "What does `maxtasksperchild` cost?",
        "`pool/max-tasks-per-child`",
        (
            one("unlimited", "pool/max-tasks-per-child", "fork", max_tasks=0),
            one("1", "pool/max-tasks-per-child", "fork", max_tasks=1),
        ),
    ),
    Question(
        "Why does closing a pool take so long?",
        "`pool/shutdown`",
        (
            one("close and join", "pool/shutdown", "fork", way="close-join"),
            one("terminate", "pool/shutdown", "fork", way="terminate"),
        ),
    ),
    Question(
        "Pool, executor or another library?",
        "`pool/task-overhead`, `pool/executor`, `peer/joblib`, `peer/loky`, `peer/mpire`, "
        "`peer/billiard` (extra)",
        (
            one("Pool.map, 1", "pool/task-overhead", "fork", call="map", chunk_size=1),
            one("executor map, 1", "pool/executor", call="map", chunk_size=1),
            one("joblib (loky)", "peer/joblib", backend="loky", call="map", chunk_size=1),
            one("loky", "peer/loky", call="map", chunk_size=1),
            one("mpire", "peer/mpire", "fork", call="map", chunk_size=1),
            one("billiard", "peer/billiard", "fork", call="map", chunk_size=1),
        ),
    ),
    Question(
        "More processes, slower?",
        "`pool/strong-scaling`, `cross/oversubscription`, `pool/callbacks`",
        (
            one("2 workers", "cross/oversubscription", workers=2),
            one("8 workers", "cross/oversubscription", workers=8),
            one("a callback of 1 ms", "pool/callbacks", callback="1ms"),
        ),
    ),
)


def _matches(table: pd.DataFrame, part: Part) -> pd.DataFrame:
    rows = table[(table["workload"] == part.workload) & (table["fact"] == part.fact)]
    if part.method:
        rows = rows[rows["method"] == part.method]
    for name, value in part.params:
        wanted = f"{name}={value}"
        rows = rows.loc[[wanted in text.split(", ") for text in rows["params"]]]
    return rows


def figure(table: pd.DataFrame, part: Part) -> str | None:
    """Return a figure with its label, or None where it was not measured."""
    rows = _matches(table, part)
    rows = rows[rows["median"].notna()]
    if rows.empty:
        return None
    row = rows.iloc[0]
    return f"{part.label}: {format_quantity(float(row['median']), str(row['unit']))}"


def lines(files: Sequence[Path]) -> list[str]:
    """Return the table, under the commands that measure it, and what stays unanswered."""
    table = summarize([read(path) for path in files])
    made = [
        f"`{STANDARD}`; what is marked *extra*: `{EXTRA.command}`. Medians over agents.",
        "",
        "| # | question | workload | measured here |",
        "|---|---|---|---|",
    ]
    unanswered: list[str] = []
    for number, question in enumerate(QUESTIONS, 1):
        figures = {part.label: figure(table, part) for part in question.parts}
        answer = "; ".join(text or f"{label}: not measured" for label, text in figures.items())
        made.append(f"| {number} | {question.text} | {question.workloads} | {answer} |")
        missing = [label for label, text in figures.items() if text is None]
        if missing:
            part = "not at all" if len(missing) == len(figures) else f"without {', '.join(missing)}"
            unanswered.append(f"{number} ({part})")
    said = f"Unanswered: {', '.join(unanswered)}." if unanswered else "No question is unanswered."
    return [*made, "", said]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    print("\n".join(lines(parser.parse_args().files)))


if __name__ == "__main__":
    main()
