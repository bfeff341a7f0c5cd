"""What the servers of `manager_servers` serve; imported only where a server is made."""

from __future__ import annotations

from multiprocessing import managers as _managers
from multiprocessing.managers import BaseManager, BaseProxy

# `typing` itself would cost each spawned child two milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ("CustomManager", "Echo", "EchoProxy", "bench", "count_up")


class Echo:
    """What the servers here serve: an object with one method that matters."""

    def echo(self, message: Any) -> Any:
        """Return the message."""
        return message

    def same(self, message: Any) -> Any:
        """Return the message too, so that a list of methods has more than one name."""
        return message


class EchoProxy(BaseProxy):
    """A proxy class written by hand, as the documentation shows."""

    _exposed_ = ("echo",)

    def echo(self, message: Any) -> Any:
        """Call the method of the same name in the server."""
        return self._callmethod("echo", (message,))


def count_up() -> Iterator[int]:
    """Yield numbers, and take it well when something else is sent or thrown in."""
    number = 0
    while True:
        try:
            sent = yield number
        except KeyError:
            sent = 0
        number = number + 1 if sent is None else sent


class CustomManager(BaseManager):
    """A manager with our own types."""

    def make(self, proxy: str) -> Any:
        """Make a shared object with a kind of proxy."""
        return getattr(self, f"Echo_{proxy}")()


def bench() -> type[CustomManager]:
    """Return the manager class with its types registered."""
    CustomManager.register("Echo_auto", Echo)
    CustomManager.register("Echo_exposed", Echo, exposed=("echo",))
    CustomManager.register("Echo_written", Echo, EchoProxy)
    CustomManager.register("count_up", count_up, vars(_managers)["IteratorProxy"])
    return CustomManager
