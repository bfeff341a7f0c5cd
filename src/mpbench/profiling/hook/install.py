"""
Installation of the wrappers, right after a module of multiprocessing was imported.

Nothing is imported before the program does it, so that a process that never
uses multiprocessing pays for one finder and nothing else.
"""

from __future__ import annotations

import _thread
import sys
import time

from .config import CONFIG, read_config
from .import_finder import after_import

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("install",)

# How modules were found when this process began.
_PATH: list[list[str]] = []
# Module of the program, our module, function in it.
_WRAPPERS = {
    "multiprocessing.synchronize": ("locks", "wrap_synchronize"),
    "multiprocessing.connection": ("channels", "wrap_connection"),
    "multiprocessing.queues": ("channels", "wrap_queues"),
    "multiprocessing.reduction": ("channels", "wrap_reduction"),
    "multiprocessing.process": ("processes", "wrap_process"),
    "multiprocessing.popen_fork": ("processes", "wrap_popen"),
    "multiprocessing.popen_forkserver": ("processes", "wrap_popen"),
    "multiprocessing.spawn": ("processes", "wrap_spawn"),
    "multiprocessing.util": ("processes", "wrap_util"),
    "multiprocessing.forkserver": ("processes", "wrap_forkserver"),
    "multiprocessing.resource_tracker": ("processes", "wrap_tracker"),
    "multiprocessing.pool": ("pools", "wrap_pool"),
    "multiprocessing.managers": ("managers", "wrap_managers"),
    "multiprocessing.shared_memory": ("managers", "wrap_shared_memory"),
    "concurrent.futures._base": ("pools", "wrap_futures"),
    "concurrent.futures.process": ("pools", "wrap_executor"),
}


# What has processes, threads or interpreters of its own; the summary says which is followed.
_LIBRARIES = {
    "billiard",
    "concurrent.futures.interpreter",
    "concurrent.futures.thread",
    "distributed",
    "gevent",
    "joblib",
    "loky",
    "mpire",
    "multiprocess",
    "pebble",
    "ray",
    "torch.utils.data",
    "xdist",
}


def _note_library(name: str) -> None:
    try:
        _ours("recorder").recorder().write_metadata({"library": name})
    except Exception:  # noqa: BLE001 - nobody can be told; the program's import goes on
        return


def _ours(name: str) -> Any:
    """
    Import a module of the hook, and what it needs of the standard library.

    With the path as it was before the program's own folder came onto it: a program may
    have a file called `mmap.py`, which multiprocessing would never meet.
    """
    path = sys.path
    sys.path = _PATH[0]
    try:
        return __import__(f"{__name__.rpartition('.')[0]}.{name}", fromlist=("name",))
    finally:
        sys.path = path


# Outermost imports of the main thread: from when to when. Shorter ones do not matter.
_IMPORTS: list[tuple[str, int, int]] = []
_LEAST_IMPORT_NS = 1_000_000
_RECORD: list[Any] = []
# Under the name of the file that Python leaves out of tracebacks where an import fails.
_BOOTSTRAP = "<frozen importlib._bootstrap>"
_TIMED = """
def make(original, now, ident, keep):
    main, depth = ident(), []
    def _find_and_load(name, import_):
        if depth or ident() != main:
            return original(name, import_)
        depth.append(1)
        began = now()
        try:
            return original(name, import_)
        finally:
            depth.clear()
            keep(name, began, now())
    return _find_and_load
"""


def _keep_import(name: str, began: int, ended: int) -> None:
    """Note an import; those that come before multiprocessing wait until there is a recorder."""
    if ended - began < _LEAST_IMPORT_NS:
        return
    _IMPORTS.append((name, began, ended))
    if _RECORD:
        _RECORD[0]()


def _record_imports() -> None:
    # Taken out first: to record may import something.
    imports, _IMPORTS[:] = list(_IMPORTS), []
    recorder, kinds = _ours("recorder").recorder(), _ours("kinds")
    for name, began, ended in imports:
        recorder.record(kinds.IMPORT, 0, began, ended)
        recorder.write_metadata({"imported": name, "began_ns": began, "ended_ns": ended})


def _time_imports() -> None:
    """Have the interpreter's own import function note how long imports take."""
    bootstrap = sys.modules.get("_frozen_importlib")
    original = getattr(bootstrap, "_find_and_load", None)
    if original is None:
        return
    names: dict[str, Any] = {}
    exec(compile(_TIMED, _BOOTSTRAP, "exec"), names)  # noqa: S102 - the text above
    timed = names["make"](original, time.perf_counter_ns, _thread.get_ident, _keep_import)
    bootstrap._find_and_load = timed  # type: ignore[union-attr]


def _wrap(name: str, module: Any) -> None:
    """Wrap one module; a Python whose multiprocessing we do not know stays as it is."""
    began = time.perf_counter_ns()
    ours, function = _WRAPPERS[name]
    try:
        recorder = _ours("recorder").recorder()
        if not recorder.born_ns:
            recorder.born_ns = _BORN_NS
        problem = ""
        try:
            getattr(_ours(ours), function)(module)
        except Exception as error:  # noqa: BLE001 - said below; the program's import must succeed
            problem = f"{type(error).__name__}: {error}"
        if problem:
            recorder.write_metadata({"unknown": name, "error": problem})
        if not _RECORD:
            _record_imports()
            _RECORD.append(_record_imports)
        recorder.write_metadata({"wrapped": name, "cost_ns": time.perf_counter_ns() - began})
    except Exception:  # noqa: BLE001 - nobody can be told; the program goes on without us
        return


def _wants(name: str) -> bool:
    if name in _LIBRARIES:
        _note_library(name)
    return name in _WRAPPERS


def install() -> None:
    """Wrap what is imported already, and the rest when it is."""
    CONFIG.append(read_config())
    # With our own folder, which is taken off the path after this.
    _PATH.append(list(sys.path))
    for name in _WRAPPERS:
        module = sys.modules.get(name)
        if module is not None:
            _wrap(name, module)
    after_import(_wants, _wrap)
    _time_imports()


_BORN_NS = time.perf_counter_ns()
