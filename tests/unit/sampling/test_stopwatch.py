"""Time that stands still in pauses."""

import threading

from mpbench.sampling.stopwatch import Stopwatch


class FakeClock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        """Return the time."""
        return self.now


def test_pauses_do_not_count():
    """It begins paused; pausing and resuming twice changes nothing."""
    clock = FakeClock()
    watch = Stopwatch(clock)
    clock.now += 5
    watch.resume()
    clock.now += 1
    watch.resume()
    clock.now += 1
    watch.pause()
    watch.pause()
    clock.now += 7
    watch.resume()
    clock.now += 0.5

    assert 2.5 == watch.ran_s()


def test_a_moment_that_has_passed_is_not_waited_for():
    """Not even when the pause has only just ended."""
    clock = FakeClock()
    watch = Stopwatch(clock)
    watch.resume()
    clock.now += 3

    assert watch.wait_until(2.0)


def test_who_waits_in_a_pause_waits_until_it_ends():
    """The moment has passed, but nobody looks before the work goes on."""
    clock = FakeClock()
    watch = Stopwatch(clock)
    watch.resume()
    clock.now += 3
    watch.pause()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(watch.wait_until(2.0)))
    waiting.start()
    waiting.join(0.05)
    before = list(answers)
    watch.resume()
    waiting.join(10)

    assert [] == before
    assert [True] == answers


def test_the_end_wakes_who_waits():
    """Also in a pause."""
    watch = Stopwatch(FakeClock())
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(watch.wait_until(2.0)))
    waiting.start()
    watch.end()
    waiting.join(10)

    assert [False] == answers
