"""A port that does not speak TLS is told before Dask tries it."""

from __future__ import annotations

import socket
import threading

import pytest

from mpbench.fleet.tls_probe import is_unencrypted


@pytest.mark.parametrize("first", [b"\x02" + bytes(15), b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_an_answer_in_the_clear_is_seen(first: bytes) -> None:
    """A Dask scheduler without certificates sends its own greeting first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(first)
                connection.recv(4_096)

        server = threading.Thread(target=greet)
        server.start()
        found = is_unencrypted(f"tls://127.0.0.1:{listener.getsockname()[1]}")
        server.join()

    assert found


@pytest.mark.parametrize("address", ["tls://127.0.0.1:1", "tls://127.0.0.1", "tls://[::"])
def test_nobody_there_is_for_dask_to_say(address: str) -> None:
    """Its message has the reason."""
    assert not is_unencrypted(address)
