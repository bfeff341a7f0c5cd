"""Stages of a start, and their lengths from the readings of parent and child."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ("IMPORTS", "STAGES", "ChildMarks", "ParentMarks", "stages_of")

# What a spawned interpreter imports before it can work, in an order in which
# each brings what the next one needs; together all of `multiprocessing.spawn`.
IMPORTS = ("signal", "threading", "pickle", "socket", "runpy", "multiprocessing.spawn")

# In the order of time. Their sum is the time from `start` to the end of `join`.
STAGES = (
    *("bookkeeping", "tracker", "pickle", "launch", "boot"),
    *("import_signal", "import_threading", "import_pickle"),
    *("import_socket", "import_runpy", "import_multiprocessing"),
    *("receive", "main", "unpickle", "bootstrap", "target", "exit", "join"),
)


class ParentMarks(NamedTuple):
    """
    What the parent read on its clock.

    `tracker` and `pickle` are durations, the rest are readings: of the call of
    `start`, around the call that makes the process, at its end, after `join`.
    """

    began: int
    tracker: int
    pickle: int
    launch: int
    launched: int
    seen: int
    joined: int


class ChildMarks(NamedTuple):
    """
    What the child read on the same clock; 0 where its start method has no such moment.

    `received`: the preparation data has been read (fork: the child runs).
    `prepared`: the main module has been run again. `unpickled`: target and
    arguments are there. `booted`: the interpreter runs its first line, and
    then one reading after each of its imports.
    """

    received: int
    prepared: int
    unpickled: int
    first: int
    last: int
    booted: tuple[int, ...] = ()


def _boundaries(parent: ParentMarks, child: ChildMarks) -> list[int]:
    """Return the ends of all stages from `launch` on."""
    booted: Sequence[int] = child.booted
    launched = parent.launched
    if booted:
        # The parent may lose its CPU while the child already boots.
        launched = min(launched, booted[0])
    elif child.unpickled:
        # A fork server has booted before.
        booted = [child.received] * (len(IMPORTS) + 1)
        launched = min(launched, child.received)
    else:
        # A forked child needs no boot and no import.
        launched = child.received
        booted = [launched] * (len(IMPORTS) + 1)
    prepared = child.prepared or child.received
    unpickled = child.unpickled or prepared
    ends = [launched, *booted, child.received, prepared, unpickled, child.first, child.last]
    return [*ends, parent.seen, parent.joined]


def stages_of(parent: ParentMarks, child: ChildMarks) -> Mapping[str, int]:
    """
    Return the length of each stage in nanoseconds; together they are the whole time.

    Raises:
        WorkloadError: A stage ended before it began.
    """
    ends = _boundaries(parent, child)
    before = parent.launch - parent.began - parent.tracker - parent.pickle
    lengths = [before, parent.tracker, parent.pickle]
    lengths += [end - start for start, end in zip([parent.launch, *ends], ends)]
    stages = dict(zip(STAGES, lengths))
    negative = [name for name, length in stages.items() if length < 0]
    if len(lengths) != len(STAGES) or negative:
        raise WorkloadError(
            f"expected {len(STAGES)} stages one after the other, found {len(lengths)}; "
            f"{', '.join(negative) or 'none'} ended before they began"
        )
    return stages
