"""Refusal of system calls by a filter, for this process and all that it starts; for tests only."""

from __future__ import annotations

import ctypes
import errno
import struct

__all__ = ("CALLS", "refuse")

# Numbers of x86-64. Waits on a futex, and rseq, are what the C library itself cannot do without.
CALLS = {
    "prctl": 157,
    "sched_getscheduler": 145,
    "sched_setaffinity": 203,
    "sched_getaffinity": 204,
    "clock_getres": 229,
    "clock_adjtime": 305,
    "ioprio_get": 252,
    "set_robust_list": 273,
    "get_robust_list": 274,
    "perf_event_open": 298,
    "prlimit64": 302,
    "getcpu": 309,
    "membarrier": 324,
    "pidfd_open": 434,
}

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def refuse(names: list[str]) -> bool:
    """
    Answer calls with EPERM from now on.

    Args:
        names: Keys of `CALLS`.

    Returns:
        Whether the kernel takes filters.
    """
    steps = [_step(_LOAD, 0)]
    for at, name in enumerate(names):
        steps.append(_step(_EQUAL, CALLS[name], if_true=len(names) - at))
    steps += [_step(_RETURN, _ALLOW), _step(_RETURN, _ERRNO | errno.EPERM)]
    code = b"".join(steps)
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    program = _Program(len(steps), code)
    return bool(library.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)
