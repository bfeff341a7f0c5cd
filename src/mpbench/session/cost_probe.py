"""
Costs of process starts and messages, read by the interpreter of a program.

It is a script of its own, so that a spawned child imports as little as one can, and
prints one line of JSON: name and readings, in seconds.
"""

from __future__ import annotations

import json
import mmap
import multiprocessing
import sys
import time
from multiprocessing import connection

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Found = dict[str, list[float]]

__all__ = ("chunks", "copying", "cpu_now", "main", "nothing", "slowdown", "spin", "stamp", "starts")

_STARTS = 3
_CHUNKS = 300
_LARGE = 2 << 20
_LOOPS = 60_000


def stamp(pipe: Any) -> None:
    """Say when the child began, and what CPU time it had used."""
    pipe.send((time.perf_counter(), time.process_time()))


def nothing(value: Any) -> Any:
    """Return what was given, however large."""
    return value


def spin(loops: int) -> float:
    """Return the CPU time of a loop."""
    began = time.thread_time()
    value = 0
    for number in range(loops):
        value += number
    return time.thread_time() - began


def _start(context: Any) -> tuple[float, float, float]:
    """Return one start: in the parent, in the child, after it; in all."""
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=stamp, args=(theirs,))
    began = time.perf_counter()
    child.start()
    started = time.perf_counter()
    _, used = ours.recv()
    answered = time.perf_counter()
    connection.wait([child.sentinel])
    ended = time.perf_counter()
    child.join()
    for end in (ours, theirs):
        end.close()
    return started - began, used, ended - answered


def starts(method: str, found: Found) -> None:
    """Measure a start method; the first start brings its helpers."""
    context = multiprocessing.get_context(method)
    first = _start(context)
    for _ in range(_STARTS):
        for name, value in zip(("parent", "boot", "exit"), _start(context)):  # noqa: B905 - 3.9
            found.setdefault(f"{method}.{name}", []).append(value)
    rest = found[f"{method}.parent"]
    found[f"{method}.first"] = [max(0.0, first[0] - sorted(rest)[len(rest) // 2])]


def chunks(method: str, found: Found) -> None:
    """Measure what a chunk costs beside its calls, small and large."""
    context = multiprocessing.get_context(method)
    for name, count, payload in (("small", _CHUNKS, b""), ("large", 6, bytes(_LARGE))):
        for _ in range(2):
            with context.Pool(1) as pool:
                pool.map(nothing, [b""])
                parent, worker = time.process_time(), sum(pool.map(cpu_now, [0]))
                pool.map(nothing, [payload] * count, chunksize=1)
                found.setdefault(f"{name}.parent", []).append(
                    (time.process_time() - parent) / count
                )
                spent = pool.map(cpu_now, [0])[0] - worker
                found.setdefault(f"{name}.worker", []).append(spent / count)


def cpu_now(value: float) -> float:
    """Return the CPU time of the process."""
    return time.process_time() + value


def slowdown(method: str, cpus: int, found: Found) -> None:
    """Measure a loop alone and on all CPUs at once, by its CPU time."""
    context = multiprocessing.get_context(method)
    with context.Pool(cpus) as pool:
        for _ in range(3):
            alone = pool.apply(spin, (_LOOPS,))
            together = pool.map(spin, [_LOOPS] * cpus, chunksize=1)
            found.setdefault("slowdown", []).append(sum(together) / cpus / alone)


def copying(found: Found) -> None:
    """Measure copies into new shared memory."""
    data = bytes(_LARGE)
    for _ in range(3):
        began = time.process_time()
        with mmap.mmap(-1, _LARGE) as block:
            block[:] = data
            read = block[:]
        found.setdefault("copy", []).append((time.process_time() - began) / len(read))


def main() -> None:
    """Measure, and print what was found."""
    held_bytes, cpus = int(sys.argv[1]), int(sys.argv[2])
    held = bytearray(held_bytes)
    for at in range(0, held_bytes, 4096):
        held[at] = 1
    found: Found = {}
    methods = multiprocessing.get_all_start_methods()
    for method in methods:
        starts(method, found)
    best = "fork" if "fork" in methods else methods[0]
    chunks(best, found)
    if cpus > 1:
        slowdown(best, cpus, found)
    copying(found)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
