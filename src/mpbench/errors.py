"""Errors, and the exit code of each kind."""

from __future__ import annotations

import os.path

__all__ = (
    "AgentError",
    "CalibrationError",
    "CrashError",
    "DeadlineError",
    "EnvironmentUnfitError",
    "InvalidSessionError",
    "MpbenchError",
    "OutputError",
    "RecordError",
    "UnsupportedError",
    "UsageError",
    "VerificationError",
    "WorkloadError",
    "copy_failure",
    "reason_of",
)


class MpbenchError(Exception):
    """The base of every error that mpbench raises on purpose; never raised itself."""

    exit_code = 1


class UsageError(MpbenchError):
    """The command asks for something that does not exist or cannot be planned."""

    exit_code = 2


class RecordError(MpbenchError):
    """
    A result file cannot be read.

    Args:
        path: The file, as the user named it.
        line: The line counted from 1, or 0 when the file as a whole is wrong.
        expected: What a correct file has at this place.
        found: What was there instead.
    """

    exit_code = 2

    def __init__(self, path: str, line: int, expected: str, found: str) -> None:
        self.path = path
        self.line = line
        self.expected = expected
        self.found = found
        place = f"{path}:{line}" if line else path
        super().__init__(f"{place}: expected {expected}, found {found}")

    def __reduce__(self) -> tuple[type[RecordError], tuple[str, int, str, str]]:
        return (type(self), (self.path, self.line, self.expected, self.found))


class OutputError(MpbenchError):
    """The results cannot be written where the user wants them."""

    exit_code = 2


class InvalidSessionError(MpbenchError):
    """Nothing was measured, or what was measured cannot be trusted."""

    exit_code = 4


class EnvironmentUnfitError(MpbenchError):
    """The machine, or an interpreter on it, cannot do what the plan asks for."""

    exit_code = 2


class AgentError(MpbenchError):
    """A measuring interpreter could not be started or broke its protocol."""


class WorkloadError(MpbenchError):
    """
    One case could not be measured; the run goes on and records why.

    Args:
        reason: What failed, expected against found, and what to do about it.
    """

    status = "failed"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        # In a comparison: the arm that failed.
        self.arm: str | None = None
        super().__init__(reason)


class CalibrationError(WorkloadError):
    """The body is faster than the clock can see, or never fast enough."""


class VerificationError(WorkloadError):
    """
    A body did not do what it was asked to do.

    Args:
        expected: Operations asked for.
        observed: Operations that really happened.
        detail: What else is known about the difference.
    """

    def __init__(self, expected: int, observed: int, detail: str = "") -> None:
        self.expected = expected
        self.observed = observed
        self.detail = detail
        more = f"; {detail}" if detail else ""
        super().__init__(f"expected {expected} operations, found {observed}{more}")

    def __reduce__(self) -> tuple[type[VerificationError], tuple[int, int, str]]:
        return (type(self), (self.expected, self.observed, self.detail))


class UnsupportedError(WorkloadError):
    """The platform, the interpreter or the installation lacks what the case needs."""

    status = "unsupported"


class DeadlineError(WorkloadError):
    """A case took longer than it was allowed to and was ended."""

    status = "timeout"


class CrashError(WorkloadError):
    """The measuring interpreter died while it worked on a case."""

    status = "crashed"


def reason_of(error: OSError) -> str:
    """Return the system's own words for an error; some have none, `shutil` collects a list."""
    first = error.args[0] if error.args else None
    if isinstance(first, list) and first:
        return str(first[0][-1])
    return error.strerror or str(error)


def copy_failure(what: str, folder: object, error: OSError) -> EnvironmentUnfitError:
    """Return the error for a part of the package that cannot be copied, with what to do."""
    reason = reason_of(error)
    advice = ""
    if "space" in reason or "quota" in reason:
        advice = "; is the temporary folder full? TMPDIR names another"
    elif not os.path.isfile(__file__):  # noqa: PTH113 - no pathlib in the measuring interpreter
        advice = "; mpbench cannot measure from inside an archive: install it with pip"
    return EnvironmentUnfitError(f"cannot copy {what} to {folder}: {reason}{advice}")
