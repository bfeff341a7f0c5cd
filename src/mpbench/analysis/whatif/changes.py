"""A program as it would be after one change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpbench.analysis.whatif.model import (
    Acquire,
    ClosePool,
    Cost,
    Item,
    MakePool,
    Release,
    Send,
    Start,
    Work,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mpbench.analysis.whatif.costs import Costs
    from mpbench.analysis.whatif.model import Job, Op, Pool, Program, Script

__all__ = (
    "default_chunk_size",
    "half_messages",
    "halved_serial",
    "longest_first",
    "longest_held",
    "one_pool",
    "shared_memory",
    "shorter_lock",
    "threads_instead",
    "with_chunk_size",
    "with_method",
    "with_workers",
    "without_import",
    "without_max_tasks",
)

# multiprocessing.pool: chunks for each worker where a map is given no chunk size.
_CHUNKS_EACH = 4
# A thread is started in a tenth of a millisecond or less.
_THREAD_START_S = 1e-4


def _pools(program: Program, change: Callable[[Pool], Pool]) -> Program:
    return replace(program, pools={n: change(pool) for n, pool in program.pools.items()})


def _jobs(program: Program, change: Callable[[Job], Job]) -> Program:
    return replace(program, jobs={n: change(job) for n, job in program.jobs.items()})


def _ops(program: Program, change: Callable[[Op], Op]) -> Program:
    scripts = {
        name: replace(script, ops=tuple(change(op) for op in script.ops))
        for name, script in program.scripts.items()
    }
    return replace(program, scripts=scripts)


def default_chunk_size(calls: int, workers: int) -> int:
    """Return the chunk size of a map of a Pool that is given none."""
    size, more = divmod(calls, workers * _CHUNKS_EACH)
    return max(1, size + bool(more))


def with_workers(program: Program, workers: int) -> Program:
    """Return the program with another number of workers in all pools."""

    def resized(job: Job) -> Job:
        before = program.pools[job.pool]
        calls = len(job.items)
        is_default = job.chunk_size == default_chunk_size(calls, before.workers)
        if not job.has_chunk_size or before.is_executor or not is_default:
            return job
        return replace(job, chunk_size=default_chunk_size(calls, workers))

    return _pools(_jobs(program, resized), lambda pool: replace(pool, workers=workers))


def with_chunk_size(program: Program, size: int) -> Program:
    """Return the program with another chunk size in all maps."""
    return _jobs(program, lambda job: replace(job, chunk_size=size) if job.has_chunk_size else job)


def _loaded(program: Program, cpu_s: float, load: float) -> Cost:
    """Return a cost that waits for a CPU as the rest of the program did."""
    return Cost(cpu_s, queue_s=cpu_s * load if program.outside else 0.0)


def with_method(program: Program, method: str, costs: Costs, load: float) -> Program:
    """
    Return the program with another start method.

    Args:
        program: As it is.
        method: The method.
        costs: What starts cost here.
        load: Waits for a CPU, as a share of CPU time, when it was recorded.
    """
    start = costs.starts[method]
    parent = _loaded(program, start.parent.value, load)

    def boot(before: str, recorded: Cost) -> Cost:
        own = Cost(0.0)
        if method != "fork":
            own = program.own_import if before in {"", "fork"} else recorded
        return _loaded(program, start.boot.value + own.cpu_s, load)

    def pool(one: Pool) -> Pool:
        return replace(
            one,
            method=method,
            start=parent,
            boot=boot(one.method, one.main_import),
            on_demand=one.is_executor,
        )

    def script(one: Script) -> Script:
        if not one.method:
            return one
        return replace(
            one,
            method=method,
            boot=boot(one.method, one.main_import),
            exit=Cost(start.exit.value),
        )

    def op(one: Op) -> Op:
        return one._replace(cost=parent) if isinstance(one, Start) else one

    changed = _ops(_pools(program, pool), op)
    scripts = {name: script(one) for name, one in changed.scripts.items()}
    server = Cost(0.0) if method == "fork" else Cost(0.0, start.first.value)
    return replace(changed, scripts=scripts, server=server)


def without_max_tasks(program: Program) -> Program:
    """Return the program with pools that keep their workers."""
    return _pools(program, lambda pool: replace(pool, max_tasks=0))


def _longest(item: Item) -> float:
    return -(item.cpu_s + item.idle_s)


def longest_first(program: Program) -> Program:
    """Return the program with the longest calls of each job first."""
    return _jobs(program, lambda job: replace(job, items=tuple(sorted(job.items, key=_longest))))


def one_pool(program: Program) -> Program:
    """Return the program with its first pool in the place of all."""
    first = next(iter(program.pools))
    last = max(
        (at for at, op in enumerate(program.scripts["main"].ops) if isinstance(op, ClosePool)),
        default=-1,
    )

    def kept() -> Iterable[Op]:
        is_made = False
        for at, op in enumerate(program.scripts["main"].ops):
            if isinstance(op, MakePool):
                if is_made:
                    continue
                is_made = True
                yield MakePool(first)
            elif isinstance(op, ClosePool):
                if at == last:
                    yield op._replace(pool=first)
            else:
                yield op

    main = replace(program.scripts["main"], ops=tuple(kept()))
    changed = _jobs(program, lambda job: replace(job, pool=first))
    workers = max(pool.workers for pool in program.pools.values())
    pools = {first: replace(program.pools[first], workers=workers)}
    return replace(changed, scripts={**program.scripts, "main": main}, pools=pools)


def _minus(cost: Cost, payload: Cost, factor: float) -> Cost:
    return cost._replace(cpu_s=max(0.0, cost.cpu_s - factor * payload.cpu_s))


def half_messages(program: Program) -> Program:
    """Return the program with messages of half the size."""

    def pool(one: Pool) -> Pool:
        return replace(
            one,
            hand=_minus(one.hand, one.hand_payload, 0.5),
            take=_minus(one.take, one.take_payload, 0.5),
            chunk_bytes=one.chunk_bytes / 2,
        )

    def op(one: Op) -> Op:
        return one._replace(cost=one.cost.scaled(0.5)) if isinstance(one, Send) else one

    return _ops(_pools(program, pool), op)


def shared_memory(program: Program, costs: Costs) -> Program:
    """Return the program with the large messages of its pools copied once, into shared memory."""

    def pool(one: Pool) -> Pool:
        hand = _minus(one.hand, one.hand_payload, 1.0)
        return replace(
            one,
            hand=hand._replace(cpu_s=hand.cpu_s + costs.byte_copy.value * one.chunk_bytes),
            take=_minus(one.take, one.take_payload, 1.0),
            chunk_bytes=0.0,
        )

    return _pools(program, pool)


def longest_held(program: Program) -> tuple[str, float]:
    """Return the lock that is held longest in all, and for how long; no name without one."""
    held: dict[str, float] = {}
    for script in program.scripts.values():
        owned: set[str] = set()
        for op in script.ops:
            if isinstance(op, Acquire):
                owned.add(op.lock)
            elif isinstance(op, Release):
                owned.discard(op.lock)
            elif isinstance(op, Work):
                for lock in owned:
                    held[lock] = held.get(lock, 0.0) + op.cost.cpu_s + op.cost.idle_s
    lock = max(held, key=lambda name: held[name], default="")
    return lock, held.get(lock, 0.0)


def shorter_lock(program: Program, lock: str) -> Program:
    """Return the program with half of the work in which a lock is held."""

    def halved(ops: Iterable[Op]) -> Iterable[Op]:
        is_held = False
        for op in ops:
            if isinstance(op, Acquire | Release) and op.lock == lock:
                is_held = isinstance(op, Acquire)
            yield op._replace(cost=op.cost.scaled(0.5)) if isinstance(op, Work) and is_held else op

    scripts = {
        name: replace(script, ops=tuple(halved(script.ops)))
        for name, script in program.scripts.items()
    }
    return replace(program, scripts=scripts)


def without_import(program: Program, seconds: float) -> Program:
    """Return the program with children that import one module less."""

    def boot(cost: Cost) -> Cost:
        return cost._replace(cpu_s=max(0.0, cost.cpu_s - seconds))

    changed = _pools(program, lambda pool: replace(pool, boot=boot(pool.boot)))
    scripts = {
        name: replace(script, boot=boot(script.boot)) if script.method else script
        for name, script in changed.scripts.items()
    }
    return replace(changed, scripts=scripts)


def halved_serial(program: Program) -> Program:
    """Return the program with half of the first process's own work."""
    main = program.scripts["main"]
    ops = tuple(
        op._replace(cost=op.cost.scaled(0.5)) if isinstance(op, Work) and op.is_serial else op
        for op in main.ops
    )
    return replace(program, scripts={**program.scripts, "main": replace(main, ops=ops)})


def threads_instead(program: Program) -> Program:
    """Return the program with threads in the place of its pools' workers."""
    return _pools(program, lambda pool: replace(pool, start=Cost(_THREAD_START_S), boot=Cost(0.0)))
