"""Facts that an interpreter reports about itself, with nothing installed in it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from mpbench.errors import EnvironmentUnfitError

__all__ = ("describe_interpreter",)

# Runs in the interpreter that is asked: standard library, Python 3.9.
_QUESTION = r"""
import json, multiprocessing, os, platform, sys, sysconfig
variable = sysconfig.get_config_var
names = ("OPT", "CFLAGS", "PY_CFLAGS", "CONFIGURE_CFLAGS")
flags = " ".join(str(variable(name) or "") for name in names)
telling = ("-O", "-flto", "-fprofile", "-march", "-mtune", "-fno-semantic", "-g")
arguments = variable("CONFIG_ARGS") or ""
enabled = getattr(sys, "_is_gil_enabled", None)
jit = getattr(sys, "_jit", None)
try:
    import _multiprocessing
    import multiprocessing.synchronize
    # One is made and unlinked at once: /dev/shm may be full, read-only or not there.
    _multiprocessing.SemLock(0, 1, 1, "/mp-" + os.urandom(8).hex(), True)
    semaphores = hasattr(_multiprocessing, "sem_unlink")
except (ImportError, AttributeError, OSError):
    semaphores = False
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "hexversion": sys.hexversion,
    "build": list(platform.python_build()),
    "compiler": platform.python_compiler(),
    "executable": sys.executable,
    "virtual_environment": sys.prefix != sys.base_prefix,
    "cache_tag": sys.implementation.cache_tag,
    "platform": sysconfig.get_platform(),
    "optimisation": [one for one in dict.fromkeys(flags.split()) if one.startswith(telling)],
    "pgo": "--enable-optimizations" in arguments or "-fprofile-use" in flags,
    "lto": "--with-lto" in arguments or "-flto" in flags,
    "shared_library": bool(variable("Py_ENABLE_SHARED")),
    "debug": bool(variable("Py_DEBUG")) or hasattr(sys, "gettotalrefcount"),
    "free_threaded": bool(variable("Py_GIL_DISABLED")),
    "gil": True if enabled is None else enabled(),
    "jit": bool(jit and jit.is_enabled()) if jit else None,
    "pymalloc": bool(variable("WITH_PYMALLOC")),
    "hash": sys.hash_info.algorithm,
    "start_methods": multiprocessing.get_all_start_methods(),
    "default_start_method": multiprocessing.get_start_method(),
    "semaphores": semaphores,
    "cpu_count": os.cpu_count(),
}))
"""

_OLDEST = (3, 9)
# A program that is no Python may quote all of the question back.
_QUOTED = 160
_PYTHON_ERROR = re.compile(r"\w*(Error|Exception|Interrupt)\b")


def _said(text: str) -> str:
    """Return what a program says is wrong: a Python in its last line, others in their first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    line = lines[-1] if _PYTHON_ERROR.match(lines[-1]) else lines[0]
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}..."


def _ask(
    executable: str,
    variables: Mapping[str, str] | None,
    timeout_s: float,
    options: Sequence[str] = (),
) -> dict[str, Any]:
    # Isolated, it would not read the variables that options may consist of.
    isolated = ["-s"] if options or variables is not None else ["-I"]
    command = [executable, *options, *isolated, "-c", _QUESTION]
    environment = None if variables is None else dict(variables)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            # `-c` looks for modules where it runs.
            cwd="/",
        )
    except OSError as error:
        raise EnvironmentUnfitError(f"cannot run {executable!r}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnfitError(
            f"{executable!r} did not describe itself within {timeout_s:g} s"
        ) from error
    lines = done.stdout.strip().splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    except ValueError:
        answer = {}
    if done.returncode != 0 or not answer:
        raise EnvironmentUnfitError(
            f"{executable!r} is no Python that mpbench can measure "
            f"(needs 3.9 or newer; exit code {done.returncode}: {_said(done.stderr)})"
        )
    return answer


def describe_interpreter(
    executable: str,
    *,
    variables: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    timeout_s: float = 30.0,
) -> dict[str, Any]:
    """
    Ask an interpreter for its exact version, how it was built and what it supports.

    Args:
        executable: A path, or a name on PATH.
        variables: The environment to ask it in; None inherits this one.
        options: What the interpreter is started with, such as `-X dev`.
        timeout_s: How long it may take.

    Raises:
        EnvironmentUnfitError: It does not start, or is older than 3.9.
    """
    answer = _ask(executable, variables, timeout_s, options)
    found = (answer["hexversion"] >> 24, answer["hexversion"] >> 16 & 0xFF)
    if found < _OLDEST:
        raise EnvironmentUnfitError(
            f"{executable!r} is Python {answer['version']}; mpbench measures 3.9 and newer"
        )
    return answer
