"""One timed sample: garbage collector, clock, verification."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from mpbench.clock import Clock
from mpbench.errors import VerificationError, WorkloadError
from mpbench.model import Sample
from mpbench.workload import Body, BodyResult

__all__ = ("pause_gc", "take_sample", "unfreeze_gc", "verified_sample")


@contextmanager
def pause_gc() -> Iterator[None]:
    """
    Collect, freeze and disable the garbage collector for the timed region.

    A collection inside a sample would be charged to whichever operation met
    it (WORKLOADS rule R14). Freezing keeps the set-up's objects out of the
    collections that the workload's own children may run. They stay frozen until
    the set-up is left (`unfreeze_gc`): to look through them again before each turn of
    5 ms had taken 4 ms.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def unfreeze_gc() -> None:
    """Give what was frozen back to the garbage collector."""
    gc.unfreeze()


def verified_sample(done: object, iterations: int, elapsed_ns: int) -> Sample:
    """
    Verify what a body returned and turn it into a sample.

    Args:
        done: What the body returned: a count, an `BodyResult`, or a check to call.
        iterations: What it was asked for.
        elapsed_ns: The harness's reading of the timed region.

    Raises:
        VerificationError: The body did not do what it was asked.
        WorkloadError: The body returned something else, or took no time.
    """
    if callable(done):
        done = done()
    if isinstance(done, int):
        done = BodyResult(operations=done, asked=iterations)
    if not isinstance(done, BodyResult):
        raise WorkloadError(f"the body returned {type(done).__name__}, expected a count")
    if done.asked is not None and done.operations != done.asked:
        raise VerificationError(done.asked, done.operations)
    if done.operations <= 0:
        raise WorkloadError(
            f"no operation was completed (asked for {iterations}); measure for longer"
        )
    own = elapsed_ns if done.elapsed_ns is None else done.elapsed_ns
    if own <= 0:
        raise WorkloadError(
            f"{done.operations} operations took {own} ns; the clock cannot see them"
        )
    return Sample(
        elapsed_ns=own,
        operations=done.operations,
        facts=dict(done.facts),
        latencies_ns=tuple(done.latencies_ns),
        workers=tuple(done.workers),
    )


def take_sample(body: Body, iterations: int, clock: Clock) -> tuple[Sample, int]:
    """
    Time one run of the body and verify it after the clock was read.

    Returns:
        The sample, and the wall-clock nanoseconds that the body took as a whole
        (a body that reads the clock itself may do untimed work in between).
    """
    started = clock()
    done = body(iterations)
    elapsed = clock() - started
    return verified_sample(done, iterations, elapsed), elapsed
