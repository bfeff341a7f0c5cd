"""An event file never touches a page for which there may be no room."""

import errno
import os

import pytest

from mpbench.profiling.event_files import read_event_files
from mpbench.profiling.hook import kinds, layout
from mpbench.profiling.hook.eventfile import EventFile
from mpbench.profiling.hook.recorder import Recorder


def refusing(monkeypatch, number, *, after=0):
    """Let the system refuse to prepare pages with an error, after some successes."""
    left = [after]
    real = EventFile._prepared

    def prepared(self, shared, begin, size):
        left[0] -= 1
        if left[0] >= 0:
            return real(self, shared, begin, size)

        class Full:
            @staticmethod
            def madvise(*words):
                del words
                raise OSError(number, os.strerror(number))

        return real(self, Full, begin, size)

    monkeypatch.setattr(EventFile, "_prepared", prepared)


@pytest.mark.parametrize("number", [errno.EFAULT, errno.ENOMEM, errno.ENOSPC])
def test_a_disk_that_fills_up_ends_the_keeping_of_events(tmp_path, monkeypatch, number):
    """What comes afterwards is counted and summed up, and the process lives."""
    refusing(monkeypatch, number, after=4)
    recorder = Recorder(str(tmp_path), 1 << 16)
    for at in range(5_000):
        recorder.record(kinds.PUT, 0, at, at + 50)
    (one,) = read_event_files(tmp_path)

    assert 2 * layout.CHUNK_WORDS // layout.RECORD_WORDS == len(one.main.events)
    assert [5_000] == [total.times for total in one.totals]
    assert 5_000 - len(one.main.events) == one.dropped


def test_a_disk_without_room_for_the_head_keeps_nothing(tmp_path, monkeypatch):
    """The program goes on as if nobody watched."""
    refusing(monkeypatch, errno.EFAULT)
    recorder = Recorder(str(tmp_path), 1 << 16)
    recorder.record(kinds.PUT, 0, 1, 2)

    assert not recorder.ensure_file().is_kept


def test_a_kernel_that_cannot_prepare_memory_asks_the_file_system(tmp_path, monkeypatch):
    """Linux before 5.14: room is found by fallocate, or the keeping ends."""
    refusing(monkeypatch, errno.EINVAL)
    asked = []
    monkeypatch.setattr(os, "posix_fallocate", lambda *words: asked.append(words[1:]))
    recorder = Recorder(str(tmp_path), 1 << 16)
    recorder.record(kinds.PUT, 0, 1, 2)

    assert recorder.ensure_file().is_kept
    assert [0, layout.TOTALS_START * 8, layout.FIRST_RECORD * 8] == [begin for begin, _ in asked]


def test_events_inside_of_the_making_of_the_file_lead_nowhere(tmp_path, monkeypatch):
    """A signal handler that comes just then must neither wait nor fail."""
    recorder = Recorder(str(tmp_path), 1 << 12)
    real = EventFile.__init__

    def slow(self, *words):
        recorder.finish(kinds.GET, 1, recorder.begin(kinds.GET, 1))
        recorder.write_metadata({"lost": True})
        real(self, *words)

    monkeypatch.setattr(EventFile, "__init__", slow)
    recorder.record(kinds.PUT, 0, 1, 2)
    (one,) = read_event_files(tmp_path)

    assert [kinds.PUT] == [moment.kind for moment in one.main.events]
