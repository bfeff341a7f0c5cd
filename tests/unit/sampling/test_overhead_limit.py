"""How long nobody looks after a look."""

from mpbench.sampling.overhead_limit import OverheadLimit

MS = 1_000_000
THROTTLE = OverheadLimit(interval_ns=20 * MS, share=0.01)


def test_cheap_looks_follow_the_interval():
    """A look of 0.1 ms every 20 ms is half of the share."""
    assert 20 * MS == THROTTLE.pause_ns(elapsed_ns=1_000 * MS, own_ns=5 * MS, cost_ns=MS // 10)


def test_a_dear_look_is_paid_back_before_the_next():
    """Whatever was saved: 2 ms are one hundredth of 0.2 s, with some room."""
    pause = THROTTLE.pause_ns(elapsed_ns=10**12, own_ns=2 * MS, cost_ns=2 * MS)

    assert 200 * MS < pause < 220 * MS


def test_debts_are_paid_back():
    """After 10 ms within the first 100 ms there is no look for about a second."""
    pause = THROTTLE.pause_ns(elapsed_ns=100 * MS, own_ns=10 * MS, cost_ns=MS // 10)

    assert 900 * MS < pause < 1_000 * MS


def test_a_look_that_does_not_fit_is_not_afforded():
    """The share is that of all time since the beginning."""
    assert THROTTLE.allows(elapsed_ns=100 * MS, own_ns=0, cost_ns=MS // 2)
    assert not THROTTLE.allows(elapsed_ns=100 * MS, own_ns=MS // 2, cost_ns=MS)
