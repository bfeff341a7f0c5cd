"""Profile of a user's program: its run with the hook, and its process records."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import EnvironmentUnfitError, copy_failure
from mpbench.harness.private import SHARED_MEMORY, private_folder
from mpbench.profiling.event_files import RecordedProcess, read_event_files
from mpbench.profiling.flows import Flow, flows_of
from mpbench.profiling.hook.layout import LEAST_FREE_BYTES
from mpbench.profiling.processes import ProcessRecord, Role, process_records
from mpbench.profiling.program_tree import EVENT_FOLDER
from mpbench.profiling.run_program import ProgramRun, RunOptions, run_program
from mpbench.profiling.transfer_waits import add_transfer_waits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ("Profile", "profile_program")

_HOOK = Path(__file__).parent / "hook"
_TIMEOUT_S = 120
# With less room in shared memory the program may need it itself, and events go to the disk.
_SHARED_ROOM_BYTES = 1 << 30
_DEFAULTS = RunOptions()

# Compiles the hook, so that not each of the program's processes does, and says
# what one event costs in this interpreter: the median of eleven hundred-fold runs.
_PREPARE = """
import sys
if sys.version_info < (3, 9):
    sys.exit("mpbench profiles Python 3.9 and newer, this is " + sys.version.split()[0])
import compileall
if not compileall.compile_dir(sys.argv[1], quiet=1):
    sys.exit("its hook does not compile")
sys.path.insert(0, sys.argv[1])
from _mpbench_hook.config import CONFIG
CONFIG.append((sys.argv[2], 1 << 14))
from _mpbench_hook.recorder import now
from _mpbench_hook.wrap import blocking_call
def plain(one):
    return one
recorded = blocking_call(8)(plain)
runs = []
for _ in range(11):
    for call in (plain, recorded):
        began = now()
        for _ in range(500):
            call(1)
        runs.append((now() - began) / 500)
costs = sorted(with_it - without for without, with_it in zip(runs[::2], runs[1::2]))
print(max(0.0, costs[5]))
"""


class Profile(NamedTuple):
    """
    A profiled program: how it ended, and its processes.

    `event_ns` is what recording one event cost, measured in its interpreter
    before it ran, with everything in the caches; `room_bytes` was free for the events.
    `flows` are the messages whose two ends were recorded.
    """

    command: tuple[str, ...]
    ran: ProgramRun
    members: tuple[ProcessRecord, ...]
    event_ns: float
    room_bytes: int = LEAST_FREE_BYTES
    flows: tuple[Flow, ...] = ()

    @property
    def began_ns(self) -> int:
        """When its first process began."""
        return min((process.begin_ns for process in self.members), default=self.ran.started_ns)

    @property
    def ended_ns(self) -> int:
        """When its last process ended."""
        return max((process.end_ns for process in self.members), default=self.ran.ended_ns)

    @property
    def wall_ns(self) -> int:
        """How long the program ran."""
        return self.ended_ns - self.began_ns

    @property
    def traced(self) -> tuple[RecordedProcess, ...]:
        """The processes that recorded themselves."""
        return tuple(process.traced for process in self.members if process.traced is not None)

    @property
    def events(self) -> int:
        """How many events there were, those that were not kept included."""
        return sum(total.times for recorded in self.traced for total in recorded.totals)

    @property
    def dropped(self) -> int:
        """How many events were too many for the files."""
        return sum(recorded.dropped for recorded in self.traced)


def _prepare(executable: str, place: Path, scratch: Path) -> float:
    """Compile the hook and return the cost of an event in nanoseconds."""
    command = [executable, "-I", "-c", _PREPARE, str(place), str(scratch)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentUnfitError(f"{executable!r} does not run as Python: {error}") from error
    if done.returncode != 0:
        detail = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no output"]
        raise EnvironmentUnfitError(
            f"{executable!r} cannot run the profiler's hook "
            f"(exit code {done.returncode}): {detail[0]}"
        )
    try:
        return float(done.stdout)
    except ValueError as error:
        raise EnvironmentUnfitError(
            f"{executable!r} does not run as Python: it printed nothing that was asked for"
        ) from error


def _event_base() -> Path | None:
    """Return where events are memory and touch no disk; None where there is too little room."""
    try:
        room = shutil.disk_usage(SHARED_MEMORY).free
    except OSError:
        return None
    has_room = room >= _SHARED_ROOM_BYTES and os.access(SHARED_MEMORY, os.W_OK | os.X_OK)
    return SHARED_MEMORY if has_room else None


@contextmanager
def _injected(
    executable: str, variables: Mapping[str, str], records: int
) -> Iterator[tuple[dict[str, str], Path, float]]:
    """Make the private folder with the hook; give environment, event folder and event cost."""
    with private_folder("mpb-profile-") as own, private_folder("mpb-events-", _event_base()) as shm:
        place, events, scratch = own / "hook", shm / "events", own / "scratch"
        ours = place / "_mpbench_hook"
        try:
            for folder in (events, scratch):
                folder.mkdir()
            shutil.copytree(_HOOK, ours, ignore=shutil.ignore_patterns("__pycache__"))
            (ours / "entry.py").rename(place / "sitecustomize.py")
        except OSError as error:
            raise copy_failure("the hook", own, error) from error
        event_ns = _prepare(executable, place, scratch)
        before = variables.get("PYTHONPATH")
        environment = {
            **variables,
            "PYTHONPATH": os.pathsep.join([str(place), *([before] if before else [])]),
            EVENT_FOLDER: str(events),
            "MPBENCH_PROFILE_EVENTS": str(records),
        }
        yield environment, events, event_ns


def _name(command: Sequence[str]) -> str:
    """Return what a command runs: the module after -m, or the script."""
    if len(command) > 2 and command[1] == "-m":  # noqa: PLR2004 - the module
        return command[2]
    return Path(command[1]).name if len(command) > 1 else Path(command[0]).name


def profile_program(
    command: Sequence[str],
    options: RunOptions = _DEFAULTS,
    *,
    records: int = 1 << 18,
    keep: Path | None = None,
) -> Profile:
    """
    Run a program with every process of it recorded.

    Args:
        command: The interpreter's path and its arguments.
        options: When the program is ended, and who is told of its start and end.
        records: How many events each process keeps.
        keep: A folder that receives the event files where their reading is interrupted.

    Raises:
        EnvironmentUnfitError: The interpreter cannot run the hook.
        KeyboardInterrupt: The reading was interrupted.
        AgentError: The supervisor could not be started.
    """
    variables = dict(os.environ)
    if options.timeout_s is not None:
        # What hangs prints its stacks when it is ended.
        variables.setdefault("PYTHONFAULTHANDLER", "1")
    with _injected(command[0], variables, records) as (environment, events, event_ns):
        room = shutil.disk_usage(events).free
        ran = run_program(command, environment, options)
        if options.on_end is not None:
            options.on_end()
        try:
            members = process_records(add_transfer_waits(read_event_files(events)), ran)
        except KeyboardInterrupt:
            if keep is not None:
                shutil.copytree(events, keep / "events", dirs_exist_ok=True)
            raise
    members = tuple(
        member._replace(name=_name(command)) if member.role is Role.MAIN else member
        for member in members
    )
    return Profile(tuple(command), ran, members, event_ns, room, flows_of(members))
