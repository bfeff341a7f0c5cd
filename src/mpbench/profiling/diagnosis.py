"""Saying in words where a program's time went, and what would help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.efficiency import (
    AFTER_WORKERS,
    BEFORE_WORKERS,
    OFF_CPU,
    UNEVEN_WORKERS,
    EfficiencyBreakdown,
    LossShare,
)
from mpbench.profiling.hook import kinds
from mpbench.profiling.off_cpu import off_cpu_spans
from mpbench.profiling.processes import ProcessRecord, Role
from mpbench.profiling.states import State
from mpbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mpbench.profiling.objects import ObjectCost
    from mpbench.profiling.profile import Profile
    from mpbench.profiling.tasks import Tasks

__all__ = ("DiagnosisInput", "Loss", "efficiency_sentence", "largest_losses")

# A chunk should last this long, so that handing it over does not matter.
_GOOD_CHUNK_NS = 10_000_000
# Below this a chunk costs about as much to hand over as to do.
_SMALL_CHUNK_NS = 2_000_000
# Below this a message costs about the same whatever is in it.
_SMALL_MESSAGE_BYTES = 16 << 10
# A loss below this share is not worth a sentence.
_WORTH = 0.02


_LIGHTER = "lighter imports in the main module, or forkserver with set_forkserver_preload"
# What makes a start cheaper depends on how processes are started.
_START_ADVICE = {
    "fork": "start fewer workers, and before the main process grows: a fork copies its page tables",
    "forkserver": "set_forkserver_preload with what the workers import",
    "loky": "lighter imports in the main module; keep the executor, which later calls use again",
}


class DiagnosisInput(NamedTuple):
    """What the sentences are made of."""

    profile: Profile
    balance: EfficiencyBreakdown
    tasks: Tasks | None
    costs: tuple[ObjectCost, ...]
    cpus: int


class Loss(NamedTuple):
    """One of the places where the workers' time went."""

    key: str
    share: float
    seconds: float
    text: str
    remedy: str


def _time(ns: float) -> str:
    return format_seconds(ns / 1e9)


def _workers(facts: DiagnosisInput) -> list[ProcessRecord]:
    return [one for one in facts.profile.members if one.role is Role.WORKER]


def _dearest(costs: Sequence[ObjectCost], words: tuple[str, ...]) -> str:
    """Name the object of a class that was waited for longest."""
    fitting = [one for one in costs if any(word in one.what for word in words) and one.wait_ns]
    if not fitting:
        return ""
    one = max(fitting, key=lambda one: one.wait_ns)
    place = f" made at {one.place}" if one.place else ""
    return f"{one.what}{place} ({one.calls:,} calls, waits of up to {_time(one.longest_ns)})"


def _main_did(facts: DiagnosisInput) -> str:
    """Say what the main process did most while there were workers."""
    main = next((one for one in facts.profile.members if one.role is Role.MAIN), None)
    if main is None:
        return ""
    totals: dict[State, int] = {}
    for span in off_cpu_spans(main):
        begin = max(span.start_ns, facts.balance.first_ns)
        inside = min(span.end_ns, facts.balance.last_ns) - begin
        if inside > 0:
            totals[span.state] = totals.get(span.state, 0) + inside
    if not totals:
        return ""
    state = max(totals, key=lambda state: totals[state])
    share = totals[state] / max(1, facts.balance.last_ns - facts.balance.first_ns)
    return f"the main process was {state.value} for {share:.0%} of that time"


def _queue(facts: DiagnosisInput) -> tuple[str, str]:
    tasks = facts.tasks
    did = _main_did(facts)
    if tasks is None or tasks.chunks < facts.balance.workers:
        queue = _dearest(facts.costs, ("Queue", "tasks"))
        return f"for a queue: {queue or did}", "give them work earlier, or start fewer workers"
    size = ""
    if tasks.of_pools:
        many = tasks.calls_in_chunk > 1
        size = f"chunks of {tasks.calls_in_chunk:.3g}, " if many else "chunk size 1, "
    text = f"for tasks: {size}a task takes {_time(tasks.call_ns)}" + (f"; {did}" if did else "")
    if tasks.chunk_ns < _SMALL_CHUNK_NS and tasks.call_ns > 0 and tasks.of_pools:
        good = math.ceil(_GOOD_CHUNK_NS / tasks.call_ns)
        return text, f"hand over more at once, such as chunksize={good} (about 10 ms of work)"
    return text, "feed them faster: produce tasks in advance, or use fewer workers"


def _moving(facts: DiagnosisInput) -> tuple[str, str]:
    sent = sum(one.sent_bytes for one in facts.costs)
    heaviest = max(facts.costs, key=lambda one: one.sent_bytes, default=None)
    text = f"pickling, sending and receiving {format_bytes(sent)}"
    if heaviest is not None and heaviest.sent_bytes:
        place = f" made at {heaviest.place}" if heaviest.place else ""
        text += f", most of it through the {heaviest.what}{place}"
    tasks = facts.tasks
    messages = sum(total.times for one in facts.profile.traced for total in one.totals
                   if total.kind == kinds.SEND)  # fmt: skip
    if tasks is not None and tasks.chunk_ns < _SMALL_CHUNK_NS and tasks.of_pools:
        return text, "larger chunks: each message has a price of its own, whatever is in it"
    if sent < _SMALL_MESSAGE_BYTES * max(1, messages):
        return text, "several things in one message: each has a price of its own, however small"
    return text, "send less: shared memory, file names instead of contents, smaller results"


def _lock(facts: DiagnosisInput) -> tuple[str, str]:
    lock = _dearest(facts.costs, ("Lock", "Semaphore"))
    stuck = sum(
        any(moment.kind == kinds.LOCK_WAIT for moment in one.traced.main.unfinished)
        for one in _workers(facts)
        if one.traced is not None and one.traced.main is not None
    )
    if stuck:
        return (
            f"for a lock{': ' if lock else ''}{lock}; {stuck} of them to their end, in vain",
            "see who held it then: it was not given back",
        )
    return (
        f"for a lock{': ' if lock else ''}{lock}",
        "hold it for less long, or give each worker its own and merge",
    )


def _starting(facts: DiagnosisInput, state: State = State.STARTING) -> tuple[str, str]:
    workers = [one for one in _workers(facts) if one.totals.get(state, 0)]
    each = sum(one.totals[state] for one in workers) / max(1, len(workers))
    methods = sorted({one.detail.partition(",")[0] for one in workers if one.detail})
    how = f" ({', '.join(methods)})" if methods else ""
    count = "one process" if len(workers) == 1 else f"{len(workers)} processes"
    text = f"{count}{how}, {_time(each)} each"
    if len(workers) > 2 * facts.balance.workers:
        return text, "keep workers: a Pool without maxtasksperchild starts them once"
    return text, _START_ADVICE.get(methods[0] if len(methods) == 1 else "", _LIGHTER)


def _importing(facts: DiagnosisInput) -> tuple[str, str]:
    return _starting(facts, State.IMPORTING)


def _blocked(facts: DiagnosisInput) -> tuple[str, str]:
    text = "inside their own code, but not on a CPU"
    delay = sum(one.run_queue_ns for one in _workers(facts))
    blocked = next((one.ns for one in facts.balance.losses if one.key == OFF_CPU), 0)
    if delay <= blocked / 2:
        return (
            f"{text}: sleeping, or waiting for files or the network",
            "more workers than CPUs help with that, or threads in fewer workers",
        )
    if facts.balance.workers > facts.cpus:
        text += f": {facts.balance.workers} workers share {facts.cpus} usable CPUs"
        return f"{text} and waited {_time(delay)} for one", f"use {facts.cpus} workers"
    return (
        f"{text}: they waited {_time(delay)} for a CPU that somebody else had",
        "end other programs and threads (see mpbench doctor)",
    )


def _before(facts: DiagnosisInput) -> tuple[str, str]:
    alone = facts.balance.first_ns - facts.profile.began_ns
    return (
        f"not there yet: the program ran {_time(alone)} before it started the first one",
        "start workers before loading data, or load it in the workers",
    )


def _after(facts: DiagnosisInput) -> tuple[str, str]:
    alone = facts.profile.ended_ns - facts.balance.last_ns
    if facts.profile.ran.exit_code or facts.profile.ran.interrupted:
        return f"gone already: the program took {_time(alone)} to end", ""
    return (
        f"gone already: the program went on for {_time(alone)} after the last one",
        "let workers do a part of that as well",
    )


def _uneven(facts: DiagnosisInput) -> tuple[str, str]:
    ends = sorted(one.end_ns for one in _workers(facts))
    spread = _time(ends[-1] - ends[0])
    longest = f"; the longest task took {_time(facts.tasks.longest_ns)}" if facts.tasks else ""
    text = (
        f"fewer than {facts.balance.workers}: they began and ended unevenly, "
        f"the first ended {spread} before the last{longest}"
    )
    return text, "smaller chunks at the end, the longest tasks first"


_WORDS: dict[str, tuple[str, Callable[[DiagnosisInput], tuple[str, str]]]] = {
    State.QUEUE.name: ("workers waited", _queue),
    State.MOVING.name: ("workers moved data:", _moving),
    State.LOCK.name: ("workers waited", _lock),
    State.STARTING.name: ("workers started up:", _starting),
    State.IMPORTING.name: ("workers imported the main module:", _importing),
    OFF_CPU: ("workers were blocked", _blocked),
    BEFORE_WORKERS: ("workers were", _before),
    AFTER_WORKERS: ("workers were", _after),
    UNEVEN_WORKERS: ("there were", _uneven),
}

_PLAIN_ADVICE = {
    State.SPACE.name: "a larger queue, or more consumers: whoever reads is slower",
    State.SYNC.name: "see who sets the event or reaches the barrier last",
    State.DATA.name: "see what the other end of the pipe does meanwhile",
    State.RESULT.name: "a worker that waits for other workers' results does not work itself",
    State.CHILD.name: "a worker that waits for its own children does not work itself",
    State.MANAGER.name: "every call is a round trip: fewer and larger ones, or shared memory",
    State.LAUNCHING.name: "let the main process start them",
    State.EXITING.name: "data still in queues at the end must be flushed first",
}


def _loss(share: LossShare, facts: DiagnosisInput) -> Loss:
    part = share.ns / facts.balance.capacity_ns
    if share.key in _WORDS:
        start, words = _WORDS[share.key]
        text, advice = words(facts)
    else:
        state = State[share.key]
        start, text, advice = "workers were", state.value, _PLAIN_ADVICE.get(share.key, "")
    return Loss(share.key, part, share.ns / 1e9, f"{start} {text}", advice)


def largest_losses(facts: DiagnosisInput, *, most: int = 3) -> tuple[Loss, ...]:
    """Return the largest losses with a sentence and an advice for each."""
    if not facts.balance.capacity_ns:
        return ()
    shares = [one for one in facts.balance.losses if one.ns >= _WORTH * facts.balance.capacity_ns]
    return tuple(_loss(one, facts) for one in shares[:most])


def efficiency_sentence(facts: DiagnosisInput) -> str:
    """Return one sentence on how well the workers were used."""
    balance = facts.balance
    busy = balance.useful_ns / max(1, facts.profile.wall_ns)
    many = balance.workers != 1
    return (
        f"{balance.workers} worker{'s' if many else ''} kept {busy:.2f} CPUs busy with the "
        f"program's own code, {_percent(balance.efficiency)} of {'their' if many else 'its'} time"
    )


def _percent(share: float) -> str:
    if 0 <= share < 0.0005:  # noqa: PLR2004 - not 0: sleeping programs use a CPU to go to sleep
        return "less than 0.1%"
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"  # noqa: PLR2004 - two digits
