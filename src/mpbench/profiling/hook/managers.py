"""Events of managers and of shared memory."""

from __future__ import annotations

from . import kinds
from .recorder import now, recorder
from .wrap import blocking_call, call_site, drop_frame, patch, safe_value

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("wrap_managers", "wrap_shared_memory")


@safe_value
def _call_number(proxy: Any, methodname: str) -> int:
    kind = getattr(getattr(proxy, "_token", None), "typeid", "proxy")
    return recorder().object_id(f"call:{kind}.{methodname}", f"{kind}.{methodname}")


def _call(original: Any) -> Any:
    begin, finish = recorder().begin, recorder().finish

    def wrapper(self: Any, methodname: str, *args: Any, **named: Any) -> Any:
        thing = _call_number(self, methodname)
        begun = begin(kinds.CALL, thing)
        try:
            return original(self, methodname, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            finish(kinds.CALL, thing, begun)

    return wrapper


def _server(original: Any) -> Any:
    def wrapper(cls: Any, *args: Any, **named: Any) -> Any:
        recorder().write_metadata({"role": "manager"})
        try:
            return original(cls, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise

    return wrapper


@safe_value
def _manager_number(manager: Any) -> int:
    key = f"manager:{id(manager)}"
    return recorder().register_object(key, type(manager).__name__, call_site())


def wrap_managers(module: Any) -> None:
    """Wrap managers and the calls through their proxies."""
    patch(module.BaseProxy, "_callmethod", _call)
    patch(module.BaseManager, "start", blocking_call(kinds.MANAGER_START, _manager_number))
    patch(module.BaseManager, "_run_server", _server)


def _segment(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        start = now()
        try:
            original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        _note_segment(self, start, now())

    return wrapper


@safe_value
def _note_segment(segment: Any, start: int, end: int) -> None:
    # Only now it has a name.
    thing = recorder().register_object(f"shm:{segment.name}", "SharedMemory", call_site())
    recorder().record(kinds.SHM, thing, start, end, segment.size)


def wrap_shared_memory(module: Any) -> None:
    """Wrap the making and opening of segments."""
    patch(module.SharedMemory, "__init__", _segment)
