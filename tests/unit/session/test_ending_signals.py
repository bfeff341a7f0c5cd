"""Which signals end a session in good order."""

from __future__ import annotations

import signal

import pytest

from mpbench.session.interrupt import ending_signals

_DEADLY = (signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


@pytest.mark.parametrize("number", _DEADLY)
def test_what_would_end_the_process_ends_the_session(number: signal.Signals) -> None:
    """Its folder would stay otherwise; what the program handles or ignores is its own."""
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert number in ending_signals()
        for other in (signal.SIG_IGN, lambda *_: None):
            signal.signal(number, other)
            assert number not in ending_signals()
    finally:
        signal.signal(number, before)
