"""Declaration of a workload: name, metrics, parameters, floor, needs, set-up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.context import BaseContext
from typing import Any, Callable, NamedTuple, Union

from mpbench.model import Case, Metric, Scalar, Tier, Timing, WorkerCount

__all__ = (
    "START_FLOOR",
    "Body",
    "BodyFactory",
    "BodyResult",
    "FloorByMethod",
    "Needs",
    "NoFloor",
    "SetUp",
    "Sweep",
    "Verifier",
    "Workload",
    "fixed",
    "worker_counts",
    "workload",
)

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*/[a-z][a-z0-9]*(-[a-z0-9]+)*")


# What users' workload files of version 0.1 may still say.
_OLD_KEYWORDS = {"lead": "all_methods_in_quick", "alone": "own_agent", "shares": "body_params"}


class BodyResult(NamedTuple):
    """
    What a body really did, where one number does not say it.

    Args:
        operations: Operations that really happened.
        asked: Operations that should have happened; None where the run decides
            (a window), and then the body has verified its own count.
        elapsed_ns: The body's own reading of the timed part; None takes the harness's.
        facts: Further readings by the names that the workload declares:
            nanoseconds per operation for times, the base unit otherwise.
        latencies_ns: Single operations, where the body could see them.
        workers: One reading for each worker of a self-timed workload.
    """

    operations: int
    asked: int | None = None
    elapsed_ns: int | None = None
    facts: Mapping[str, float] = {}
    latencies_ns: tuple[int, ...] = ()
    workers: tuple[WorkerCount, ...] = ()


# Called after the clock has been read: looks at what came back and counts it.
Verifier = Callable[[], Union[int, BodyResult]]

# The timed region. It is given a number of iterations (or milliseconds, see
# Timing) and returns the operations that happened, a BodyResult, or a Verifier.
Body = Callable[[int], Union[int, BodyResult, Verifier]]

# Where one set-up serves several cases: returns the body for one of them.
BodyFactory = Callable[[Case], Body]

# A generator function yields inside its set-up. A plain function has nothing to
# end and returns the body: with body_params it is the `BodyFactory` itself.
SetUp = Callable[[BaseContext, Case], Union[Iterator[Union[Body, BodyFactory]], Body]]

# inspect.CO_GENERATOR; importing `inspect` would weigh on every agent.
_GENERATOR_FLAG = 0x20


class NoFloor(NamedTuple):
    """Reason why no cheaper operation uses the same kernel mechanism."""

    reason: str


class FloorByMethod(NamedTuple):
    """Floors of a workload whose start methods use different kernel mechanisms."""

    fork: str
    spawn: str
    forkserver: str


# What starting a process costs at least: the fork server forks as well.
START_FLOOR = FloorByMethod("floor/os-fork-wait", "floor/python-boot", "floor/os-fork-wait")


class Needs(NamedTuple):
    """What a case takes from the machine, so that preflight can skip it with a reason."""

    processes: int = 1
    descriptors: int = 16
    memory_bytes: int = 0
    shm_bytes: int = 0
    semaphores: bool = False


_NO_NEEDS = Needs()


class Sweep(NamedTuple):
    """The values of one parameter in each tier; each tier should contain the one before."""

    quick: tuple[Scalar, ...]
    standard: tuple[Scalar, ...]
    full: tuple[Scalar, ...]

    def resolve(self, tier: Tier, cpus: int) -> tuple[Scalar, ...]:
        """Return the values of a tier; *cpus* matters to sweeps over workers only."""
        del cpus
        return (self.quick, self.standard, self.full)[tier.rank]


class _WorkerSweep(NamedTuple):
    """Worker counts: 1 and all usable CPUs in quick, a curve through twice them otherwise."""

    smallest: int
    quick: tuple[int, ...] = ()
    few: bool = False

    def resolve(self, tier: Tier, cpus: int) -> tuple[Scalar, ...]:
        """Return the worker counts for a machine with so many usable CPUs."""
        if self.few:
            counts = {1, cpus, 2 * cpus} if tier is Tier.FULL else {cpus}
        elif tier is Tier.QUICK:
            counts = set(self.quick) or {1, cpus}
        else:
            # At least five distinct counts, or no scaling curve can be fitted.
            counts = {1, 2, 3, 4, 6, 8, cpus, 2 * cpus}
            step = 12
            while step < 2 * cpus:
                counts.add(step)
                step = step * 4 // 3 if step % 3 == 0 else step * 3 // 2
            if tier is Tier.STANDARD and cpus > 16:  # noqa: PLR2004 - keep 15 minutes
                counts = {n for n in counts if n <= 4 or n % 8 == 0}  # noqa: PLR2004 - as above
        return tuple(sorted(n for n in counts if n >= self.smallest)) or (self.smallest,)


AnySweep = Union[Sweep, _WorkerSweep]


def fixed(*values: Scalar) -> Sweep:
    """Return a sweep that is the same in every tier."""
    return Sweep(values, values, values)


def worker_counts(
    *, smallest: int = 1, quick: tuple[int, ...] = (), few: bool = False
) -> _WorkerSweep:
    """
    Return the sweep over worker counts, which depends on the machine.

    Args:
        smallest: The least count that makes sense.
        quick: Counts for tier quick; 1 and all usable CPUs by default.
        few: No curve: as many workers as usable CPUs, in tier full also 1 and twice as many.
    """
    return _WorkerSweep(smallest, quick, few)


def _always(case: Case) -> str | None:
    del case
    return None


def _is_generator(function: Any) -> bool:
    """Tell whether a function is a generator, or says that it hands on another's."""
    returns = str(function.__annotations__.get("return", ""))
    return bool(function.__code__.co_flags & _GENERATOR_FLAG) or "Iterator" in returns


def _entered(
    function: Any, *, is_factory: bool
) -> Callable[[BaseContext, Case], AbstractContextManager[Any]]:
    """Return what enters a declared set-up function."""
    if _is_generator(function):
        return contextmanager(function)

    @contextmanager
    def set_up(context: BaseContext, case: Case) -> Iterator[Any]:
        yield (lambda bound: function(context, bound)) if is_factory else function(context, case)

    return set_up


class Workload(NamedTuple):
    """One thing worth measuring, and everything the harness must know about it."""

    name: str
    set_up: Callable[[BaseContext, Case], AbstractContextManager[Body | BodyFactory]]
    module: str
    doc: str
    metric: Metric
    floor: str | NoFloor | FloorByMethod
    covers: tuple[str, ...]
    parameters: Mapping[str, AnySweep]
    by_method: bool
    facts: Mapping[str, Metric]
    timing: Timing
    tier: Tier
    all_methods_in_quick: bool
    own_agent: bool
    body_params: tuple[str, ...]
    revision: int
    requires: tuple[str, ...]
    needs: Callable[[Case], Needs]
    unsupported: Callable[[Case], str | None]
    deadline_s: float

    @property
    def family(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]

    @property
    def floor_names(self) -> tuple[str, ...]:
        """The names of all floors that cases may have, each once."""
        if isinstance(self.floor, NoFloor):
            return ()
        names = (self.floor,) if isinstance(self.floor, str) else self.floor
        return tuple(dict.fromkeys(names))

    def floor_of(self, case: Case) -> str | None:
        """Return the name of a case's floor, or None where there is none."""
        if isinstance(self.floor, FloorByMethod):
            return str(getattr(self.floor, "fork" if case.method is None else case.method.value))
        return None if isinstance(self.floor, NoFloor) else self.floor

    @property
    def floor_text(self) -> str:
        """The floor as a catalog shows it: its name, its names by method, or the reason."""
        if isinstance(self.floor, FloorByMethod):
            return ", ".join(f"{name} ({method})" for method, name in self.floor._asdict().items())
        return f"none: {self.floor.reason}" if isinstance(self.floor, NoFloor) else self.floor


def workload(  # noqa: PLR0913 - one keyword for each thing that a workload declares
    name: str,
    *,
    floor: str | NoFloor | FloorByMethod,
    metric: Metric = Metric.TIME,
    covers: tuple[str, ...] = (),
    by_method: bool = True,
    facts: Mapping[str, Metric] | None = None,
    timing: Timing = Timing.LOOP,
    tier: Tier = Tier.STANDARD,
    all_methods_in_quick: bool = False,
    own_agent: bool = False,
    body_params: tuple[str, ...] = (),
    revision: int = 1,
    requires: tuple[str, ...] = (),
    needs: Needs | Callable[[Case], Needs] = _NO_NEEDS,
    unsupported: Callable[[Case], str | None] = _always,
    deadline_s: float = 60.0,
    **parameters: AnySweep,
) -> Callable[[SetUp], Workload]:
    """
    Declare a workload; the decorated function becomes a `Workload` record.

    A generator function yields the body inside its set-up. A plain function,
    for a set-up with nothing to end, returns it.

    Args:
        name: `family/behaviour` in kebab-case.
        floor: The workload that does the cheapest thing with the same kernel
            mechanism, one for each start method, or `NoFloor` with the reason.
        metric: What the main reading is; it carries unit and direction.
        covers: What it calls of multiprocessing, as users write it:
            `Process.start`, `Pool.map`, `connection.wait`.
        by_method: Whether the start method can matter.
        facts: Further readings that each sample carries, by name.
        timing: What the body's argument means.
        tier: The smallest tier that contains the workload.
        all_methods_in_quick: Whether tier quick measures it under every start method. Each
            family has one such workload; the others of tier quick are measured
            under the interpreter's default method, or a minute would not do.
        own_agent: Whether each set-up is given an agent of its own in every tier, because
            it changes, or depends on, what the interpreter holds. An agent costs
            0.1 s a round.
        body_params: Parameters that need no set-up of their own: a generator then
            yields a `BodyFactory` that returns the body of one case. All parameters
            where the function is plain.
        revision: Raised when what is measured changes.
        requires: Distributions that must be importable in the measured interpreter.
        needs: What a case takes from the machine; a function where that depends on it.
        unsupported: Returns why a case cannot run here, or None.
        deadline_s: Wall-clock limit for one case in one agent.
        parameters: One sweep for each parameter.

    Raises:
        ValueError: The name is not `family/behaviour`, or a shared parameter is not declared.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not family/behaviour in kebab-case")
    for old, new in _OLD_KEYWORDS.items():
        if old in parameters:
            raise ValueError(f"{name}: the keyword {old!r} is called {new!r} since version 0.2")
    unknown = set(body_params) - set(parameters)
    if unknown:
        raise ValueError(f"{name}: body_params {sorted(unknown)} without a sweep of that name")

    def declare(function: SetUp) -> Workload:
        shared = body_params if _is_generator(function) else tuple(parameters)
        return Workload(
            name=name,
            set_up=_entered(function, is_factory=bool(shared)),
            module=function.__module__,
            doc=function.__doc__ or "",
            metric=metric,
            floor=floor,
            covers=covers,
            parameters=dict(parameters),
            by_method=by_method,
            facts=dict(facts or {}),
            timing=timing,
            tier=tier,
            all_methods_in_quick=all_methods_in_quick,
            own_agent=own_agent,
            body_params=shared,
            revision=revision,
            requires=requires,
            needs=(lambda _: needs) if isinstance(needs, Needs) else needs,
            unsupported=unsupported,
            deadline_s=deadline_s,
        )

    return declare
