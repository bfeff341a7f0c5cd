"""Types that custom managers serve; imported only where a manager is made."""

from __future__ import annotations

from multiprocessing import managers as _managers
from multiprocessing.connection import Client, Connection, Listener
from multiprocessing.managers import BaseManager, BaseProxy

from mpbench.workloads.connection.listeners import set_nodelay

# `typing` itself would cost each spawned child two milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ("CustomManager", "Echo", "EchoProxy", "count_up", "registered_manager")


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


class NodelayListener(Listener):
    """A Listener whose connections have TCP_NODELAY."""

    def accept(self) -> Connection:
        """Accept a connection and set the option."""
        connection = super().accept()
        set_nodelay(connection)
        return connection


def nodelay_client(address: Any, authkey: bytes) -> Connection:
    """Connect as a Client and set TCP_NODELAY."""
    connection = Client(address, authkey=authkey)
    set_nodelay(connection)
    return connection


def registered_manager() -> type[CustomManager]:
    """Return the manager class with its types and its TCP_NODELAY serializer registered."""
    _managers.listener_client["pickle-nodelay"] = (NodelayListener, nodelay_client)  # type: ignore[attr-defined]  # not in typeshed
    CustomManager.register("Echo_auto", Echo)
    CustomManager.register("Echo_exposed", Echo, exposed=("echo",))
    CustomManager.register("Echo_written", Echo, EchoProxy)
    CustomManager.register("count_up", count_up, vars(_managers)["IteratorProxy"])
    return CustomManager
