"""Events of connections and queues: what is sent, received, pickled, and waited for."""

from __future__ import annotations

import os

from . import kinds
from .locks import lock_key
from .recorder import now, recorder
from .wrap import blocking_call, call_site, drop_frame, nonblocking_call, patch, safe_value

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("connection_key", "name_queue", "wrap_connection", "wrap_queues", "wrap_reduction")


def connection_key(connection: Any) -> str:
    """Return the same key for both ends of a one-way pipe, in every process."""
    try:
        return f"pipe:{os.fstat(connection._handle).st_ino}"
    except (OSError, TypeError, AttributeError):
        return ""


@safe_value
def _first_number(connection: Any) -> int:
    key = connection_key(connection)
    connection._mpbench = known = recorder().object_id(key, "Pipe") if key else 0
    return known


def _number(connection: Any) -> int:
    """Return a connection's number; remembered on the object, which is pickled without it."""
    try:
        # A forked child inherits the numbers with the objects.
        return connection.__dict__["_mpbench"]  # type: ignore[no-any-return]
    except (AttributeError, KeyError):
        return _first_number(connection)  # type: ignore[no-any-return]


def _pipe(original: Any) -> Any:
    def wrapper(*args: Any, **named: Any) -> Any:
        try:
            ends = original(*args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        _name_ends(ends)
        return ends

    return wrapper


@safe_value
def _name_ends(ends: Any) -> None:
    keys = [connection_key(end) for end in ends]
    if all(keys):
        # A duplex pipe has two sockets: what goes into one comes out of the other.
        for key, other in dict(zip(keys, reversed(keys))).items():
            recorder().register_object(key, "Pipe", call_site(), peer=other, made_ns=now())


def _sent(args: tuple[Any, ...], result: Any) -> int:
    """Return how many bytes a connection was given."""
    del result
    try:
        return len(args[1])
    except Exception:  # noqa: BLE001 - whatever a subclass has made of it
        return 0


def _received(args: tuple[Any, ...], result: Any) -> int:
    """Return how many bytes a connection read: its buffer was written from its beginning."""
    del args
    try:
        return result.tell()  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - None, or whatever a subclass has made of it
        return 0


def _first_of(connections: Any) -> int:
    """Return the number of the first thing waited for, if it is a connection."""
    try:
        one = connections[0]
        # Sentinels of processes are numbers; a Pool waits for them thousands of times.
        return 0 if type(one) is int else _number(one)
    except Exception:  # noqa: BLE001 - another kind of collection, or an empty one
        return 0


def _wait(original: Any) -> Any:
    begin, finish = recorder().begin, recorder().finish

    def wrapper(object_list: Any, timeout: float | None = None) -> Any:
        if timeout is not None and timeout <= 0:
            # A look, not a wait; Pool's own threads take thousands of them in a second.
            try:
                return original(object_list, timeout)
            except BaseException as error:
                drop_frame(error)
                raise
        thing = _first_of(object_list)
        begun = begin(kinds.POLL, thing)
        try:
            return original(object_list, timeout)
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            finish(kinds.POLL, thing, begun)

    return wrapper


def wrap_connection(module: Any) -> None:
    """Wrap Connection, Pipe and wait of multiprocessing.connection."""
    patch(module.Connection, "_send_bytes", blocking_call(kinds.SEND, _number, _sent))
    patch(module.Connection, "_recv_bytes", blocking_call(kinds.RECV, _number, _received))
    patch(module, "Pipe", _pipe)
    patch(module, "wait", _wait)


def _size(args: tuple[Any, ...], result: Any) -> int:
    del args
    return len(result) if result is not None else 0


def _size_given(args: tuple[Any, ...], result: Any) -> int:
    del result
    return len(args[0])


def wrap_reduction(module: Any) -> None:
    """Wrap the pickler through which every object of multiprocessing passes."""
    pickler = module.ForkingPickler
    patch(pickler, "dumps", nonblocking_call(kinds.PICKLE, _size))
    pickler.loads = staticmethod(nonblocking_call(kinds.UNPICKLE, _size_given)(pickler.loads))
    # Used for process objects and preparation data.
    patch(module, "dump", blocking_call(kinds.PICKLE))


@safe_value
def name_queue(queue: Any, what: str, label: str = "", owner: str = "") -> None:
    """Describe a queue, and say that its locks belong to it."""
    key = connection_key(getattr(queue, "_reader", None))
    if not key:
        return
    more = {"owner": owner} if owner else {}
    recorder().register_object(key, what, label or call_site(), **more)
    for attribute in ("_rlock", "_wlock", "_sem"):
        lock = getattr(queue, attribute, None)
        known = lock_key(lock)
        if known:
            recorder().register_object(known, type(lock).__name__, label, owner=key)


def _queue_made(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        try:
            original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        name_queue(self, type(self).__name__)

    return wrapper


@safe_value
def _first_queue_number(queue: Any) -> int:
    reader = getattr(queue, "_reader", None)
    # A worker closes the end that it does not use; the other has the same key.
    end = reader if getattr(reader, "_handle", None) is not None else queue._writer
    queue._mpbench = known = _number(end)
    return known


def _queue_number(queue: Any) -> int:
    """Return a queue's number: that of its pipe."""
    try:
        return queue.__dict__["_mpbench"]  # type: ignore[no-any-return]
    except (AttributeError, KeyError):
        return _first_queue_number(queue)  # type: ignore[no-any-return]


def _subclass_made(owner: Any, kind_by_name: dict[str, int]) -> Any:
    """Wrap what a subclass overrides, as loky's queues do."""

    def __init_subclass__(cls: Any, /, **named: Any) -> None:  # noqa: N807 - it becomes the method
        super(owner, cls).__init_subclass__(**named)
        for name, kind in kind_by_name.items():
            patch(cls, name, blocking_call(kind, _queue_number))

    return classmethod(__init_subclass__)


def wrap_queues(module: Any) -> None:
    """Wrap Queue, JoinableQueue and SimpleQueue of multiprocessing.queues."""
    wrapped = {"get": kinds.GET, "put": kinds.PUT}
    for queue in (module.Queue, module.SimpleQueue):
        patch(queue, "__init__", _queue_made)
        for name, kind in wrapped.items():
            patch(queue, name, blocking_call(kind, _queue_number))
        queue.__init_subclass__ = _subclass_made(queue, wrapped)
    patch(module.JoinableQueue, "put", blocking_call(kinds.PUT, _queue_number))
    patch(module.JoinableQueue, "join", blocking_call(kinds.JOIN, _queue_number))
