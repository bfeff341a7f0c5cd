"""Who listens in mpbench, where, and what a stranger gets."""

from __future__ import annotations

import ast
import multiprocessing
import stat
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import pytest

import mpbench
from mpbench.workloads.connection.listeners import listening, place

_PACKAGE = Path(mpbench.__file__).parent
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - what is looked for


@pytest.mark.parametrize("family", ["AF_UNIX", "AF_INET"])
def test_only_the_right_key_is_answered(family: str) -> None:
    """A wrong key is refused, none gets a challenge and no answer, and the listener stays."""
    context = multiprocessing.get_context("spawn")
    with place(family, 32) as where, listening(context, where) as (at, strangers):
        with pytest.raises(AuthenticationError):
            Client(at.address, family, b"a guess")
        strangers[0] += 1
        with Client(at.address, family) as silent:
            challenge = silent.recv_bytes()
        strangers[0] += 1
        with Client(at.address, family, at.authkey) as known:
            answer = known.recv_bytes()

    assert b"a" == answer
    assert challenge.startswith(b"#CHALLENGE#")


def test_keys_are_long_and_never_the_same() -> None:
    """A key is drawn for each listener."""
    with place("AF_UNIX", 32) as first, place("AF_UNIX", 32) as second:
        keys = {first.authkey, second.authkey}

    assert {32} == {len(one or b"") for one in keys}
    assert 2 == len(keys)


def test_a_socket_lies_in_a_folder_of_its_user() -> None:
    """Nobody else can even see it; the other family is bound to the loopback."""
    with place("AF_UNIX", 32) as at:
        mode = stat.S_IMODE(Path(at.address).parent.stat().st_mode)
    context = multiprocessing.get_context("spawn")
    with place("AF_INET", 32) as where, listening(context, where) as (at, _):
        host = at.address[0]

    assert 0o700 == mode
    assert "127.0.0.1" == host


def test_no_key_and_no_public_address_stands_in_the_code() -> None:
    """Keys are random, and nothing is bound to every address of the machine."""
    found = []
    for path in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "authkey":
                is_fixed = isinstance(node.value, ast.Constant) and node.value.value is not None
                found += [f"{path.name}:{node.value.lineno}: a fixed key"] if is_fixed else []
            if isinstance(node, ast.Constant) and node.value in _EVERYWHERE:
                found.append(f"{path.name}:{node.lineno}: every address")

    assert [] == found
