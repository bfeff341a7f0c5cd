"""One-time costs of a program, each measured in a fresh interpreter."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, NoFloor, Sweep, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("daemon_exit", "first_use", "import_weight", "one_time")

_CLOCK = "from time import perf_counter_ns as now\n"

# Each prints the nanoseconds that the first time takes, and of a part of it.
_ONE_TIME = {
    "import": """
began = now()
import multiprocessing
ended = now()
print(ended - began, ended - began)
""",
    "tracker": """
from multiprocessing import resource_tracker
began = now()
resource_tracker.ensure_running()
ended = now()
print(ended - began, ended - began)
""",
    "fork-server": """
import multiprocessing.popen_forkserver
from multiprocessing import forkserver
context = multiprocessing.get_context("forkserver")
began = now()
forkserver.ensure_running()
returned = now()
child = context.Process(target=abs, args=(1,))
child.start()
child.join()
print(now() - began, returned - began)
raise SystemExit(child.exitcode)
""",
}

# Each defines a function that uses one thing and ends it.
_USES = {
    "process": """
def use():
    child = context.Process(target=abs, args=(1,))
    child.start()
    child.join()
    assert child.exitcode == 0
""",
    "pool": """
def use():
    pool = context.Pool(1)
    assert pool.apply(abs, (-1,)) == 1
    pool.close()
    pool.join()
""",
    "manager": """
def use():
    with context.Manager() as manager:
        assert len(manager.list([1])) == 1
""",
    "queue": """
def use():
    queue = context.Queue()
    queue.put(1)
    assert queue.get() == 1
    queue.close()
    queue.join_thread()
""",
    "lock": """
def use():
    with context.Lock():
        pass
""",
}

_TWICE = """
began = now()
use()
first = now()
use()
print(first - began, now() - first)
"""

_DAEMONS = """
import multiprocessing
import os
import sys
context = multiprocessing.get_context(sys.argv[1])
reader, writer = os.pipe()
# Built-in, so that every child finds it; it says ready and sleeps.
path = f"/proc/{os.getpid()}/fd/{writer}"
work = f"import os, time; os.write(os.open('{path}', 1), b'r'); time.sleep(60)"
for _ in range(int(sys.argv[2])):
    context.Process(target=exec, args=(work, {}), daemon=True).start()
for _ in range(int(sys.argv[2])):
    os.read(reader, 1)
print(now(), flush=True)
"""


def _fresh(code: str, *arguments: str) -> tuple[list[int], int]:
    """Run code in a new interpreter; return the integers that it printed, and when it ended."""
    reader, writer = os.pipe()
    with open(reader, "rb") as printed:
        try:
            pid = os.posix_spawn(
                sys.executable,
                # Isolated: what the agent may import must not weigh on the imports here.
                [sys.executable, "-I", "-c", _CLOCK + code, *arguments],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)],
            )
        finally:
            os.close(writer)
        _, status = os.waitpid(pid, 0)
        ended = monotonic_ns()
        # End-of-file comes when its tracker and its fork server have gone as well.
        text = printed.read()
    numbers = text.split()
    if status != 0 or not numbers or not all(number.isdigit() for number in numbers):
        raise WorkloadError(
            f"a fresh interpreter ended with wait status {status} and printed {text!r}, "
            "expected numbers; see the agent's stderr"
        )
    return [int(number) for number in numbers], ended


def _printed(code: str, fact: str, *arguments: str) -> Body:
    """Return the body whose reading and fact are the two numbers that the code prints."""

    def body(iterations: int, /) -> BodyResult:
        (first, second), _ = _fresh(code, *arguments)
        return BodyResult(operations=1, elapsed_ns=first, facts={fact: second})

    return body


@workload(
    "process/one-time",
    metric=Metric.TIME,
    floor="floor/python-boot",
    facts={"return": Metric.TIME},
    by_method=False,
    timing=Timing.ONCE,
    body_params=("what",),
    what=Sweep(("import",), tuple(_ONE_TIME), tuple(_ONE_TIME)),
)
def one_time(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Pay a cost that a program pays once, in a fresh interpreter.

    Timed: `import multiprocessing`; the start of the resource tracker; the
    start of the fork server until its first child has been joined, of which
    `return` is the call alone. Not timed: starting the interpreter.

    Reads as: what the first process costs in addition, and no other.
    """
    yield lambda case: _printed(_ONE_TIME[case.text("what")], "return")


@workload(
    "process/first-use",
    metric=Metric.TIME,
    floor="floor/python-boot",
    facts={"second_use": Metric.TIME},
    timing=Timing.ONCE,
    body_params=("what",),
    what=Sweep(("pool",), ("pool", "manager"), tuple(_USES)),
)
def first_use(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Use an object of multiprocessing for the first time in a fresh interpreter, and again.

    Timed: making a process, a pool of one worker, a manager, a queue, or a
    lock, using it once, and ending it. `second_use` is the same again. Not
    timed: starting the interpreter, `import multiprocessing`.

    Reads as: the difference is paid once: imports, resource tracker, fork
    server.
    """
    head = "import multiprocessing\nimport sys\ncontext = multiprocessing.get_context(sys.argv[1])"
    method = context.get_start_method()
    yield lambda case: _printed(head + _USES[case.text("what")] + _TWICE, "second_use", method)


_MODULES = ("pool", "managers", "queues", "synchronize", "sharedctypes", "shared_memory")

_WEIGH = """
import importlib
import sys
before = len(sys.modules)
began = now()
importlib.import_module(sys.argv[1])
print(now() - began, len(sys.modules) - before)
"""


@workload(
    "process/import-weight",
    metric=Metric.TIME,
    floor="floor/python-boot",
    facts={"modules": Metric.COUNT},
    by_method=False,
    timing=Timing.ONCE,
    tier=Tier.FULL,
    body_params=("module",),
    module=Sweep(("spawn",), ("spawn", "pool"), ("spawn", "connection", *_MODULES)),
)
def import_weight(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Import one part of multiprocessing in a fresh interpreter.

    Timed: the import of `multiprocessing.MODULE` with all that it needs.
    `modules` counts what it has loaded. Not timed: starting the interpreter.

    Reads as: what a spawned child pays for the class of an argument; every
    spawned child imports `spawn`.
    """
    yield lambda case: _printed(_WEIGH, "modules", f"multiprocessing.{case.text('module')}")


def _without_proc(case: Case) -> str | None:
    return None if os.path.isdir("/proc/self/fd") else "the daemons report through /proc"


@workload(
    "process/daemon-exit",
    metric=Metric.TIME,
    floor=NoFloor("ending an interpreter with its daemons is the operation"),
    timing=Timing.ONCE,
    tier=Tier.FULL,
    unsupported=_without_proc,
    needs=lambda case: Needs(processes=case.integer("daemons") + 1),
    daemons=Sweep((1,), (0, 8), (0, 1, 8, 32)),
)
def daemon_exit(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    End a program that has daemons asleep.

    Timed: from the program's last statement until its process has been waited
    for; it terminates and joins its daemons. Not timed: the starts.

    Reads as: what daemons cost at the end; without, the exit of an interpreter.
    """
    method, count = context.get_start_method(), case.text("daemons")

    def body(iterations: int, /) -> BodyResult:
        (last,), ended = _fresh(_DAEMONS, method, count)
        return BodyResult(operations=1, elapsed_ns=ended - last)

    yield body
