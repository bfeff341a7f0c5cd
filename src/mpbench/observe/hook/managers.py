"""Events of managers and of shared memory."""

from __future__ import annotations

from . import kinds
from .ring import now, recorder
from .wrap import calling_place, guarded, replace, timed

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("wrap_managers", "wrap_shared_memory")


def _call(original: Any) -> Any:
    begin, finish = recorder().begin, recorder().finish

    def wrapper(self: Any, methodname: str, *args: Any, **named: Any) -> Any:
        kind = getattr(getattr(self, "_token", None), "typeid", "proxy")
        thing = recorder().number(f"call:{kind}.{methodname}", f"{kind}.{methodname}")
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
        # Only now it has a name.
        key = f"shm:{self.name}"
        thing = recorder().named(key, "SharedMemory", calling_place())
        recorder().record(kinds.SHM, thing, start, now(), self.size)

    return wrapper


def wrap_shared_memory(module: Any) -> None:
    """Wrap the making and opening of segments."""
    replace(module.SharedMemory, "__init__", _segment)
