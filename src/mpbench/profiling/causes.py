"""Causes of losses: each function looks for the evidence of one, and says what it found."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from mpbench.profiling.diagnosis_input import (
    DiagnosisInput,
    Sentence,
    alone_ns,
    main_of,
    own_ns,
    workers_of,
)
from mpbench.profiling.hook import kinds
from mpbench.profiling.states import State
from mpbench.profiling.tasks import lost_tasks
from mpbench.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from mpbench.profiling.efficiency import LossShare
    from mpbench.profiling.tasks import Tasks

__all__ = (
    "chunk_size",
    "first_import",
    "handler_thread",
    "holder",
    "long_task",
    "lost_task",
    "many_pools",
    "one_at_a_time",
    "same_argument",
    "small_messages",
    "too_small",
)

# A chunk should last this long, so that handing it over does not matter.
_GOOD_CHUNK_NS = 10_000_000
# Below this a chunk costs about as much to hand over as to do.
_SMALL_CHUNK_NS = 2_000_000
# Above this the bytes of a message matter more than its number.
_BIG_MESSAGE_BYTES = 1 << 20
# Below this a message costs about the same whatever is in it.
_SMALL_MESSAGE_BYTES = 16 << 10
# A task this many times longer than a typical one is an exception.
_LONG = 3
# A cause explains a loss when it accounts for this share of it.
_MOST = 0.5
# Pool.map makes four chunks for each worker, so that the last ones even out.
_CHUNKS_PER_WORKER = 4
# Tasks that overlap less than this were given one after the other.
_ONE_AT_A_TIME = 1.1
# So little own code in all workers, and this many times less than they lived, is done
# sooner without them.
_LITTLE_WORK_NS, _FEW, _SOONER = 100_000_000, 3, 2 / 3


def _time(ns: float) -> str:
    return format_seconds(ns / 1e9)


def chunk_size(tasks: Tasks, workers: int) -> int | None:
    """
    Return a chunk size that lasts about 10 ms; None where a larger one does not help.

    Never more than leaves four chunks for each worker.
    """
    if not tasks.of_pools or tasks.call_ns <= 0:
        return None
    most = tasks.calls // max(1, _CHUNKS_PER_WORKER * workers)
    size = min(math.ceil(_GOOD_CHUNK_NS / tasks.call_ns), most)
    return size if size > tasks.calls_in_chunk else None


def _task_messages(facts: DiagnosisInput) -> list[int]:
    """Return the sizes of the messages that brought tasks to the workers."""
    main = main_of(facts)
    if main is None or main.traced is None:
        return []
    objects = main.traced.objects
    tasks = {number for number, thing in objects.items() if thing.type_name.endswith(" tasks")}
    # A word to stop is no task.
    return [
        event.value
        for thread in main.traced.threads
        for event in thread.events
        if event.kind == kinds.SEND and event.object in tasks and event.value > _STOP_BYTES
    ]


_STOP_BYTES = 16


def _is_sooner_alone(facts: DiagnosisInput) -> bool:
    """Compare the program with itself without workers, its interpreter's start left out."""
    main = main_of(facts)
    totals = {} if main is None else main.totals
    boot = totals.get(State.STARTING, 0) + totals.get(State.LOADING, 0)
    return alone_ns(facts) - boot < _SOONER * (facts.profile.wall_ns - boot)


def too_small(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on work that is done sooner without workers."""
    del share
    workers, own = workers_of(facts), own_ns(facts)
    life = facts.balance.last_ns - facts.balance.first_ns
    loading = sum(
        worker.totals.get(state, 0)
        for worker in workers
        for state in (State.LOADING, State.IMPORTING)
    )
    if facts.profile.ran.cause != "exited" or _is_several_pools(facts):
        return None
    if own > _LITTLE_WORK_NS or own * _FEW > life:
        return None
    if not _is_sooner_alone(facts) or loading > life * len(workers) / 2:
        return None
    count = f"{len(workers)} workers" if len(workers) > 1 else "one worker"
    return Sentence(
        f"the work is too small for workers: {_time(own)} of own code in all, and {_time(life)} "
        f"from the start of the first to the end of the last of {count}",
        f"without workers the program would take about {_time(alone_ns(facts))}",
    )


def _pools(facts: DiagnosisInput) -> int:
    keys = {
        thing.key
        for process in facts.profile.traced
        for thing in process.objects.values()
        if thing.key.startswith(("pool:", "executor:"))
    }
    return len(keys)


def _is_several_pools(facts: DiagnosisInput) -> bool:
    return len(workers_of(facts)) > 2 * facts.balance.workers


def many_pools(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on many short lives where few long ones would do."""
    del share
    workers, pools = workers_of(facts), _pools(facts)
    if not _is_several_pools(facts):
        return None
    starting = sum(worker.totals.get(State.STARTING, 0) for worker in workers) / len(workers)
    text = f"{len(workers)} processes were started, at most {facts.balance.workers} at once"
    each = f", {_time(starting)} each to start"
    if pools > 1:
        return Sentence(
            f"{text}: {pools} pools one after the other{each}", "make one pool and keep it"
        )
    if pools == 1:
        return Sentence(
            f"{text}, by one pool{each}", "keep its workers for longer: a larger maxtasksperchild"
        )
    return Sentence(
        f"{text}, each for a piece of work of its own{each}",
        "a Pool, or workers with a Queue, start once and take many pieces",
    )


def lost_task(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on workers that were killed with a task in hand."""
    del share
    lost, main = lost_tasks(facts.profile.members), main_of(facts)
    thread = None if main is None or main.traced is None else main.traced.main
    if not lost or thread is None:
        return None
    if all(event.kind != kinds.RESULT_WAIT for event in thread.unfinished):
        return None
    names = ", ".join(process.name for process in lost[:3])
    return Sentence(
        f"workers had nothing left to do: {names} was killed with a task in hand, and the main "
        "process waited for its result to the end, in vain",
        "see who killed it (out of memory?); ProcessPoolExecutor raises BrokenProcessPool instead",
    )


def long_task(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on one task that outlasts all others."""
    tasks = facts.tasks
    if tasks is None or tasks.idle_tail_ns < _MOST * share.ns or len(tasks.workers) < 1:
        return None
    last = max(tasks.workers, key=lambda worker: worker.end_ns)
    chunk = last.chunks[-1]
    others = [one.own_ns for worker in tasks.workers for one in worker.chunks if one is not chunk]
    if not others or chunk.own_ns < _LONG * median(others) or chunk.own_ns < tasks.longest_ns:
        return None
    name = f"it took {_time(chunk.own_ns)}"
    named = tasks.longest[0] if tasks.longest else None
    if named is not None and named.task.duration_ns * 2 > chunk.own_ns:
        task = named.task
        name = f"{task.function}({task.arguments.strip('()')}), number {task.number}, {name}"
    return Sentence(
        f"workers were idle while one long task went on in {last.name}: {name}, a typical one "
        f"{_time(median(others))}; the others waited {_time(tasks.idle_tail_ns)} together",
        "start the longest task first, or divide it",
    )


def one_at_a_time(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on tasks that never overlap."""
    del share
    tasks = facts.tasks
    if tasks is None or facts.balance.workers < 2 or tasks.chunks < 2 * facts.balance.workers:  # noqa: PLR2004 - two at once
        return None
    main = main_of(facts)
    waited = 0 if main is None else main.totals.get(State.RESULT, 0)
    window = facts.balance.last_ns - facts.balance.first_ns
    if tasks.at_once > _ONE_AT_A_TIME or waited < _MOST * window or tasks.own_ns < _MOST * window:
        return None
    return Sentence(
        f"workers were idle because tasks came one at a time: of {facts.balance.workers} workers "
        f"{tasks.at_once:.1f} had one; the main process waited for each result "
        f"({waited / window:.0%} of that time) before it gave the next task",
        "give all tasks before waiting for the first result: map, imap or apply_async, not apply",
    )


def same_argument(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on equal big messages."""
    del share
    sizes = _task_messages(facts)
    if len(sizes) < _LONG or median(sizes) < _BIG_MESSAGE_BYTES:
        return None
    if max(sizes) - min(sizes) > 0.01 * max(sizes):
        return None
    return Sentence(
        f"the same big argument was sent with each of {len(sizes):,} messages, as it seems: all "
        f"have {format_bytes(float(median(sizes)))}, {format_bytes(float(sum(sizes)))} in all",
        "send it once, by the pool's initializer, or put it into shared memory",
    )


def small_messages(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on many small messages."""
    tasks = facts.tasks
    if tasks is None or not tasks.of_pools or tasks.chunk_ns >= _SMALL_CHUNK_NS:
        return None
    sizes = _task_messages(facts)
    if sizes and median(sizes) >= _SMALL_MESSAGE_BYTES:
        return None
    if tasks.idle_tail_ns > _MOST * share.ns or tasks.own_ns > 2 * share.ns:
        return None
    size = chunk_size(tasks, facts.balance.workers)
    if size is None:
        return None
    many = f"chunks of {tasks.calls_in_chunk:.3g}" if tasks.calls_in_chunk > 1 else "chunk size 1"
    return Sentence(
        f"handing over {tasks.calls:,} tasks took much of their time: {many}, a task takes "
        f"{_time(tasks.call_ns)}, and each message has a price of its own",
        f"hand over more at once, such as chunksize={size}",
    )


def handler_thread(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on a thread of main that cannot keep up."""
    main = main_of(facts)
    window = facts.balance.last_ns - facts.balance.first_ns
    if main is None or main.traced is None:
        return None
    moves = {kinds.PICKLE, kinds.UNPICKLE, kinds.SEND}
    busiest = max(
        (
            sum(event.duration_ns for event in thread.events if event.kind in moves)
            for thread in main.traced.threads
            if not thread.is_main
        ),
        default=0,
    )
    del share
    if busiest < _MOST * window:
        return None
    sizes = _task_messages(facts)
    big = bool(sizes) and median(sizes) >= _SMALL_MESSAGE_BYTES
    return Sentence(
        f"workers waited for a thread of the main process that pickles and sends: it was busy for "
        f"{busiest / window:.0%} of that time",
        "send less: file names instead of contents, shared memory"
        if big
        else "fewer and larger messages",
    )


def first_import(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on imports in workers after their start."""
    del share
    loading = [worker for worker in workers_of(facts) if worker.totals.get(State.LOADING)]
    each = sum(one.totals[State.LOADING] for one in loading) / max(1, len(loading))
    moved = sum(cost.sent_bytes for cost in facts.costs)
    if not loading:
        return None
    return Sentence(
        f"workers imported modules after their start: {len(loading)} of them, {_time(each)} each; "
        f"that is not the price of moving data ({format_bytes(float(moved))} in all)",
        "import them before the first task: in the pool's initializer while other work goes on, or "
        "under fork and forkserver before the workers start (set_forkserver_preload)",
    )


def holder(facts: DiagnosisInput, share: LossShare) -> Sentence | None:
    """Return the sentence on the process that held a lock."""
    del share
    use = facts.locks[0] if facts.locks else None
    if use is None or not use.holders:
        return None
    blame = sum(holder.while_others_waited_ns for holder in use.holders)
    worst = use.holders[0]
    if blame < _MOST * use.waited_ns:
        return None
    made = f" made at {use.place}" if use.place else ""
    part = worst.while_others_waited_ns / blame
    where = f", the longest until {worst.place}" if worst.place else ""
    if part < _MOST and len(use.holders) > 1:
        return Sentence(
            f"workers waited for a lock: {use.what}{made}; {len(use.holders)} processes held it in "
            f"turn, {worst.name} most ({part:.0%} of that time): holds of up to "
            f"{_time(worst.longest_ns)}{where}",
            "do less while it is held, or give each worker its own and merge",
        )
    return Sentence(
        f"workers waited for a lock: {use.what}{made}; {worst.name} held it for {part:.0%} of "
        f"that time: {worst.holds} holds of up to {_time(worst.longest_ns)}{where}",
        f"move what is slow in {worst.name} out of the lock",
    )
