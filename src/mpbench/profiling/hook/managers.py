"""Events of managers and of shared memory."""

from __future__ import annotations

from . import kinds
from .recorder import now, recorder
from .wrap import calling_place, guarded, replace, timed

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("wrap_managers", "wrap_shared_memory")


@guarded
def _call_number(proxy: Any, methodname: str) -> int:
    kind = getattr(getattr(proxy, "_token", None), "typeid", "proxy")
    return recorder().number(f"call:{kind}.{methodname}", f"{kind}.{methodname}")


def _call(original: Any) -> Any:
    begin, finish = recorder().begin, recorder().finish

    def wrapper(self: Any, methodname: str, *args: Any, **named: Any) -> Any:
        thing = _call_number(self, methodname)
        begun = begin(kinds.CALL, thing)
        try:
            return original(self, methodname, *args, **named)
        finally:
            finish(kinds.CALL, thing, begun)

    return wrapper


def _server(original: Any) -> Any:
    def wrapper(cls: Any, *args: Any, **named: Any) -> Any:
        recorder().say({"role": "manager"})
        return original(cls, *args, **named)

    return wrapper


@guarded
def _manager_number(manager: Any) -> int:
    key = f"manager:{id(manager)}"
    return recorder().named(key, type(manager).__name__, calling_place())


def wrap_managers(module: Any) -> None:
    """Wrap managers and the calls through their proxies."""
    replace(module.BaseProxy, "_callmethod", _call)
    replace(module.BaseManager, "start", timed(kinds.MANAGER_START, _manager_number))
    replace(module.BaseManager, "_run_server", _server)


def _segment(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        start = now()
        original(self, *args, **named)
        _note_segment(self, start, now())

    return wrapper


@guarded
def _note_segment(segment: Any, start: int, end: int) -> None:
    # Only now it has a name.
    thing = recorder().named(f"shm:{segment.name}", "SharedMemory", calling_place())
    recorder().record(kinds.SHM, thing, start, end, segment.size)


def wrap_shared_memory(module: Any) -> None:
    """Wrap the making and opening of segments."""
    replace(module.SharedMemory, "__init__", _segment)
