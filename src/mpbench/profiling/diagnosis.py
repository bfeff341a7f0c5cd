"""Sentences on where a program's time went, and what would help."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.diagnosis_input import DiagnosisInput, Sentence, workers_of
from mpbench.profiling.efficiency import (
    AFTER_WORKERS,
    BEFORE_WORKERS,
    OFF_CPU,
    PROFILER,
    UNEVEN_WORKERS,
    LossShare,
)
from mpbench.profiling.hook import kinds
from mpbench.profiling.off_cpu import off_cpu_spans
from mpbench.profiling.processes import ProcessRecord, Role
from mpbench.profiling.rules import RULES
from mpbench.profiling.states import State
from mpbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mpbench.profiling.objects import ObjectCost

__all__ = ("DiagnosisInput", "Loss", "efficiency_sentence", "largest_losses")

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


class Loss(NamedTuple):
    """One of the places where the workers' time went."""

    key: str
    share: float
    seconds: float
    text: str
    remedy: str
    rule: str | None = None


def _time(ns: float) -> str:
    return format_seconds(ns / 1e9)


def _dearest(costs: Sequence[ObjectCost], words: tuple[str, ...]) -> str:
    """Name the object of a class that was waited for longest."""
    fitting = [cost for cost in costs if any(word in cost.what for word in words) and cost.wait_ns]
    if not fitting:
        return ""
    one = max(fitting, key=lambda one: one.wait_ns)
    place = f" made at {one.place}" if one.place else ""
    return f"{one.what}{place} ({one.calls:,} calls, waits of up to {_time(one.longest_ns)})"


def _main_did(facts: DiagnosisInput) -> str:
    """Say what the main process did most while there were workers."""
    main = next((process for process in facts.profile.members if process.role is Role.MAIN), None)
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
    if tasks.idle_tail_ns > facts.balance.loss_ns(State.QUEUE.name) / 2:
        few = tasks.chunks < 2 * facts.balance.workers
        remedy = "fewer workers, or smaller tasks" if few else "the longest tasks first"
        if tasks.calls_in_chunk > 1:
            remedy = "smaller chunks"
        return f"{text}; most of it at the end, when others still had one", remedy
    return text, "produce tasks in advance, or use fewer workers"


def _moving(facts: DiagnosisInput) -> tuple[str, str]:
    sent = sum(cost.sent_bytes for cost in facts.costs)
    heaviest = max(facts.costs, key=lambda cost: cost.sent_bytes, default=None)
    text = f"pickling, sending and receiving {format_bytes(sent)}"
    if heaviest is not None and heaviest.sent_bytes:
        place = f" made at {heaviest.place}" if heaviest.place else ""
        text += f", most of it through the {heaviest.what}{place}"
    messages = sum(total.times for recorded in facts.profile.traced for total in recorded.totals
                   if total.kind == kinds.SEND)  # fmt: skip
    if sent < _SMALL_MESSAGE_BYTES * max(1, messages):
        return text, "several things in one message: each has a price of its own, however small"
    return text, "send less: shared memory, file names instead of contents, smaller results"


def _lock(facts: DiagnosisInput) -> tuple[str, str]:
    lock = _dearest(facts.costs, ("Lock", "Semaphore"))
    stuck = sum(
        any(moment.kind == kinds.LOCK_WAIT for moment in worker.traced.main.unfinished)
        for worker in workers_of(facts)
        if worker.traced is not None and worker.traced.main is not None
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
    workers = [worker for worker in workers_of(facts) if worker.totals.get(state, 0)]
    each = sum(worker.totals[state] for worker in workers) / max(1, len(workers))
    methods = sorted({worker.detail.partition(",")[0] for worker in workers if worker.detail})
    how = f" ({', '.join(methods)})" if methods else ""
    count = "one process" if len(workers) == 1 else f"{len(workers)} processes"
    text = f"{count}{how}, {_time(each)}" + (" each" if len(workers) > 1 else "")
    return text, _START_ADVICE.get(methods[0] if len(methods) == 1 else "", _LIGHTER)


def _importing(facts: DiagnosisInput) -> tuple[str, str]:
    return _starting(facts, State.IMPORTING)


def _delay_in_own_code(process: ProcessRecord) -> int:
    """Return for how long a worker wanted a CPU and had none while in its own code."""
    # Spans and looks are in the order of time, so each is met once; there may be millions.
    spans = [span for span in process.spans if span.state is State.WORKING]
    delay = first = 0
    for before, after in pairwise(process.snapshots):
        length = after.at_ns - before.at_ns
        while first < len(spans) and spans[first].end_ns <= before.at_ns:
            first += 1
        inside, at = 0, first
        while at < len(spans) and spans[at].start_ns < after.at_ns:
            begin, end = spans[at].start_ns, spans[at].end_ns
            inside += max(0, min(end, after.at_ns) - max(begin, before.at_ns))
            at += 1
        if length > 0:
            delay += round(max(0, after.delay_ns - before.delay_ns) * min(1.0, inside / length))
    return delay


def _blocked(facts: DiagnosisInput) -> tuple[str, str]:
    delay = sum(_delay_in_own_code(process) for process in workers_of(facts))
    if delay <= facts.balance.loss_ns(OFF_CPU) / 2:
        text = "blocked inside their own code, not on a CPU: sleeping, or waiting for files"
        # Not where something else keeps the workers that there are from working.
        is_first = facts.balance.losses[0].key == OFF_CPU
        remedy = "more workers than CPUs help with that, or threads in fewer workers"
        return f"{text} or the network", remedy if is_first else ""
    text = f"ready to run their own code, but had no CPU for {_time(delay)}"
    if facts.balance.workers > facts.cpus:
        shared = f"{facts.balance.workers} workers share {facts.cpus} usable CPUs"
        return f"{text}: {shared}", f"use {facts.cpus} workers"
    return (
        f"{text}, which somebody else had",
        "end other programs and threads (see mpbench doctor)",
    )


def _before(facts: DiagnosisInput) -> tuple[str, str]:
    alone = facts.balance.loss_ns(BEFORE_WORKERS) / max(1, facts.balance.workers)
    return (
        f"not there yet: the program ran {_time(alone)} before it started the first one",
        "start workers earlier, or let them do a part of that",
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
    ends = sorted(worker.end_ns for worker in workers_of(facts))
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
    OFF_CPU: ("workers were", _blocked),
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


def _by_rule(share: LossShare, facts: DiagnosisInput) -> tuple[str, Sentence] | None:
    """Return the first rule that explains a loss, by its name, and its sentence."""
    for rule in RULES:
        if share.key in rule.losses and (sentence := rule.find(facts, share)) is not None:
            return rule.name, sentence
    return None


def _loss(share: LossShare, facts: DiagnosisInput) -> Loss:
    part = share.ns / facts.balance.capacity_ns
    ruled = _by_rule(share, facts)
    if ruled is not None:
        name, sentence = ruled
        return Loss(share.key, part, share.ns / 1e9, sentence.text, sentence.remedy, name)
    if share.key == PROFILER:
        text = "this profiler: loading its hook, and recording events"
        return Loss(share.key, part, share.ns / 1e9, text, "")
    if share.key in _WORDS:
        start, words = _WORDS[share.key]
        text, advice = words(facts)
    else:
        state = State[share.key]
        start, text, advice = "workers were", state.value, _PLAIN_ADVICE.get(share.key, "")
    return Loss(share.key, part, share.ns / 1e9, f"{start} {text}", advice)


def largest_losses(facts: DiagnosisInput, *, most: int = 3) -> tuple[Loss, ...]:
    """Return the largest losses with a sentence and a remedy; those of one cause are one."""
    if not facts.balance.capacity_ns:
        return ()
    losses: dict[str, Loss] = {}
    for share in facts.balance.losses:
        if share.ns < _WORTH * facts.balance.capacity_ns:
            continue
        loss = _loss(share, facts)
        cause = loss.rule or loss.key
        known = losses.get(cause)
        losses[cause] = (
            loss
            if known is None
            else known._replace(
                share=known.share + loss.share, seconds=known.seconds + loss.seconds
            )
        )
    return tuple(sorted(losses.values(), key=lambda loss: -loss.share)[:most])


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
