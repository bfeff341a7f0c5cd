"""Trace of an error in the agent: frames and causes, without an import."""

from __future__ import annotations

from mpbench.agent.serve import _trace


def _fail() -> None:
    try:
        {}["absent"]
    except KeyError as error:
        raise ValueError("no such case") from error


def test_a_trace_names_file_line_and_cause() -> None:
    """The innermost call comes last, and the cause before it."""
    try:
        _fail()
    except ValueError as error:
        lines = _trace(error).splitlines()

    assert "ValueError: no such case" == lines[-1]
    assert __file__ in lines[-2]
    assert "in _fail" in lines[-2]
    assert "KeyError: 'absent'" in lines
    assert "led to:" in lines
