"""Rules that name the cause of a loss: evidence, exclusion, remedy and limits of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mpbench.profiling import causes
from mpbench.profiling.diagnosis_input import DiagnosisInput, Sentence
from mpbench.profiling.efficiency import UNEVEN_WORKERS, LossShare
from mpbench.profiling.states import State

__all__ = ("RULES", "Rule")

_QUEUE = State.QUEUE.name
_HANDING_OVER = (
    _QUEUE,
    State.MOVING.name,
    State.SPACE.name,
    State.DATA.name,
)


class Rule(NamedTuple):
    """
    One cause of losses.

    Args:
        name: In profile.json.
        losses: The keys of the losses that it may explain.
        evidence: What must have been recorded.
        excluded: What speaks against it.
        limits: What it cannot know.
        find: Returns the sentence, or None without the evidence.
    """

    name: str
    losses: tuple[str, ...]
    evidence: str
    excluded: str
    limits: str
    find: Callable[[DiagnosisInput, LossShare], Sentence | None]


# In the order in which they are asked.
RULES: Sequence[Rule] = (
    Rule(
        "lost-task",
        (_QUEUE, UNEVEN_WORKERS),
        "a pool's worker was ended by a signal outside of get and put, and main waits for a result "
        "at the end of the run",
        "workers that their pool ends; a main process that does not wait",
        "whether the result that is missing is that of the lost task",
        causes.lost_task,
    ),
    Rule(
        "many-pools",
        (State.STARTING.name, State.EXITING.name, UNEVEN_WORKERS, _QUEUE),
        "more than twice as many workers were started as were ever alive at once",
        "fewer starts",
        "does not know whether the program could keep what it made",
        causes.many_pools,
    ),
    Rule(
        "long-task",
        (_QUEUE, UNEVEN_WORKERS),
        "idle time after a worker's last task is half of the loss, the last task to end is the "
        "longest and three times a typical one",
        "tasks of similar length",
        "index and arguments are known for pools and executors",
        causes.long_task,
    ),
    Rule(
        "same-argument",
        _HANDING_OVER,
        "three or more messages with tasks, 1 MiB or more, sizes within 1 %",
        "messages of different sizes",
        "contents are not compared",
        causes.same_argument,
    ),
    Rule(
        "too-small",
        (*_HANDING_OVER, State.STARTING.name, State.EXITING.name),
        "own code of all workers below 100 ms and below a third of their life, and a program that "
        "would take two thirds of its time at most without them",
        "many-pools, same-argument; a program that was ended; imports for half of their life",
        "a program that is tried with less data than it will have",
        causes.too_small,
    ),
    Rule(
        "small-messages",
        _HANDING_OVER,
        "a pool's or executor's map, chunks below 2 ms, messages below 16 KiB, and a larger chunk "
        "that leaves four for each worker",
        "longer chunks, larger messages, too few tasks for larger chunks",
        "the length of a task is its median",
        causes.small_messages,
    ),
    Rule(
        "one-at-a-time",
        (_QUEUE,),
        "never more than 1.1 tasks in work at once, main waits for results half of the time",
        "overlapping tasks; a main process that computes or sleeps between tasks",
        "",
        causes.one_at_a_time,
    ),
    Rule(
        "handler-thread",
        _HANDING_OVER,
        "one thread of main beside the main one pickles and sends for half of the workers' life",
        "idle threads",
        "the time of pickling includes waits for the interpreter lock",
        causes.handler_thread,
    ),
    Rule(
        "late-import",
        (State.LOADING.name,),
        "imports of 1 ms or more in workers after their start",
        "imports before a worker runs, which are a part of its start",
        "imports of the main thread only",
        causes.first_import,
    ),
    Rule(
        "lock-holder",
        (State.LOCK.name,),
        "holds of 0.02 ms or more cover half of the waits for the lock that was waited for longest",
        "waits for a lock that nobody was seen to hold",
        "Lock only: an RLock or a semaphore may be given back by another process or more than once",
        causes.holder,
    ),
)
