"""Profile of a program: processes, events and losses as DataFrames."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mpbench.api.markup import html_table
from mpbench.api.running import seconds_of
from mpbench.errors import UsageError

if TYPE_CHECKING:
    import os

    import pandas as pd

    from mpbench.analysis.whatif.prediction import WhatIf
    from mpbench.profiling.profile import Profile as ProfileRecord

__all__ = ("Profile", "profile")

_WHAT_IF = [
    "change", "setting", "words", "seconds", "low_s", "high_s", "assumption", "withheld", "place",
]  # fmt: skip


class Profile:
    """
    A profiled program.

    Args:
        record: Its run, its processes and their events.
    """

    def __init__(self, record: ProfileRecord) -> None:
        self.record = record

    def __repr__(self) -> str:
        seconds = self.record.wall_ns / 1e9
        return f"<Profile: {len(self.record.members)} processes, {seconds:.3g} s>"

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What profile.json holds, as `docs/PROFILING.md` describes it."""
        from mpbench.profiling.summary import summary_of

        return summary_of(self.record)

    @property
    def exit_code(self) -> int | None:
        """How the program ended, negative for a signal; None where that is not known."""
        return self.record.ran.exit_code

    @property
    def verdict(self) -> str:
        """Where the time went, in one sentence; empty without workers of multiprocessing."""
        return str(self.summary["verdict"] or "")

    def processes(self) -> pd.DataFrame:
        """Return one row for each process, as in `processes` of profile.json; times in seconds."""
        import pandas as pd

        return pd.json_normalize(self.summary["processes"])

    def events(self) -> pd.DataFrame:
        """Return one row for each recorded event: pid, thread, kind, begin_s, duration_s."""
        import pandas as pd

        from mpbench.profiling.hook.kinds import NAMES

        origin = self.record.began_ns
        rows = [
            {
                "pid": process.pid,
                "thread": lane.thread,
                "kind": NAMES.get(event.kind, str(event.kind)),
                "begin_s": (event.start_ns - origin) / 1e9,
                "duration_s": event.duration_ns / 1e9,
            }
            for process in self.record.traced
            for lane in process.threads
            for event in lane.events
        ]
        return pd.DataFrame(rows, columns=["pid", "thread", "kind", "begin_s", "duration_s"])

    def losses(self) -> pd.DataFrame:
        """Return one row for each loss, the largest first: share of the time, text, advice."""
        import pandas as pd

        return pd.DataFrame(self.summary["losses"] or None, columns=["share", "text", "advice"])

    def what_if(self) -> pd.DataFrame:
        """
        Return one row for each change that was looked at, with its predicted time.

        Columns: change, setting, words, seconds, low_s, high_s, assumption, withheld, place,
        and unchanged_s, the time that is expected without a change and without the profiler.
        The first call takes some seconds: what starts and messages cost here is measured.
        """
        import pandas as pd

        from mpbench.analysis.whatif.prediction import to_record

        found = to_record(self.predictions)
        frame = pd.DataFrame(found["predictions"] or None, columns=_WHAT_IF)
        frame["unchanged_s"] = found["unchanged_s"]
        return frame

    @cached_property
    def predictions(self) -> WhatIf:
        """What changes would do, and why nothing is predicted where that is so."""
        from mpbench.session.what_if import what_if_of

        return what_if_of(self.record)

    def _repr_html_(self) -> str:
        rows = [
            (f"{loss['share']:.1%}", str(loss["text"]), str(loss["advice"] or ""))
            for loss in self.summary["losses"]
        ]
        return html_table(self.verdict or repr(self).strip("<>"), ("Share", "Loss", "Advice"), rows)


def profile(
    script: str | os.PathLike[str],
    *arguments: str,
    python: str | None = None,
    timeout: str | float | None = None,
    events: int = 1 << 18,
) -> Profile:
    """
    Run a program and follow its processes; its output is its own.

    Args:
        script: A script; or `-m`, with the module as the first argument.
        arguments: What the program is given.
        python: The interpreter, as a version or a path; None takes the running one.
        timeout: After how long the program is ended, in seconds or as text such as `60s`.
        events: Events kept of each process.

    Raises:
        UsageError: There is no such script or interpreter.
        EnvironmentUnfitError: The interpreter cannot be profiled.
    """
    from pathlib import Path

    from mpbench.profiling.profile import profile_program
    from mpbench.profiling.run_program import RunOptions
    from mpbench.session.interpreters import find_interpreter

    if str(script) != "-m" and not Path(script).is_file():
        raise UsageError(f"{script} is no file; name a script, or '-m' and a module")
    executable = sys.executable if python is None else find_interpreter(python)
    options = RunOptions(timeout_s=seconds_of(timeout))
    command = [executable, str(script), *arguments]
    return Profile(profile_program(command, options, records=events))
