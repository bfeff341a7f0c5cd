"""Faults in a row: writer and reader through random sequences, each followed by a resume."""

import errno
import os
import random

import fakes
import pytest

from mpbench.errors import MpbenchError, OutputError, RecordError
from mpbench.model import RunEnd, RunEvent, Sample, Status
from mpbench.session.resume import resume_state
from mpbench.store import RESULTS, Writer, read

CASES = [fakes.case(payload_bytes=1 << size) for size in range(4)]
ROUNDS = 3


class FullDisk:
    """Stands for `os.write`: takes so many bytes more, then fails or is killed."""

    def __init__(self, room, *, kills):
        self.room = room
        self.kills = kills
        self.write = os.write

    def __call__(self, descriptor, data):
        """Write what there is room for; raise at the end of it."""
        part = bytes(data)[: self.room]
        self.room -= len(part)
        if not part:
            raise SystemExit if self.kills else OSError(errno.ENOSPC, "no space left")
        return self.write(descriptor, part)


class Controller:
    """What a session does with its file, with made-up repetitions instead of agents."""

    def __init__(self, folder, dice):
        self.folder = folder
        self.dice = dice
        self.kept = []

    def state(self):
        """Return what a resumed run leaves out, as `mpbench run --resume` reads it."""
        header = read(self.folder).header
        facts = {"fingerprint": header.environment["fingerprint"], "cpu": {"usable": 2}}
        return resume_state(self.folder, facts, header.subjects)

    def opened(self):
        """Start a run, or go on with it."""
        if (self.folder / RESULTS).exists():
            before = self.state()
            return Writer.resume(self.folder), before
        writer = Writer(self.folder)
        writer.header(fakes.header())
        return writer, None

    def repetition(self, case, number):
        """Return what an agent may have given, clocks that jump among it."""
        made = fakes.repetition(case, number, started_ns=self.dice.randint(-(2**62), 2**62))
        odd = self.dice.random()
        if odd < 0.3:
            return made._replace(status=Status.CRASHED, reason="killed", samples=())
        if odd < 0.4:
            return made._replace(elapsed_ns=-self.dice.randint(1, 2**65))
        if odd < 0.5:
            return made._replace(samples=(Sample(self.dice.choice((-1, 2**70)), 1),))
        if odd < 0.6:
            return made._replace(status=Status.FAILED, reason="file \udcff \x1b[2J")
        return made

    def measure(self, writer, before):
        """Measure what is missing, in rounds."""
        for case in CASES:
            if before is None or ("cpython-3.11", case) not in before.declared:
                writer.case(fakes.case_record(case))
        for number in range(ROUNDS):
            for case in CASES:
                if before is None or not before.has("cpython-3.11", case, number):
                    repetition = self.repetition(case, number)
                    writer.repetition(repetition)
                    self.kept.append(repetition.agent)
            writer.event(RunEvent(self.dice.randint(-5, 5), "note", "a round"))
        writer.end(RunEnd(5, Status.OK, None))

    def session(self, disk=None):
        """Run one session to its end, or to that of the disk; a second one is refused."""
        with pytest.MonkeyPatch.context() as patch:
            if disk is not None:
                patch.setattr(os, "write", disk)
            writer = None
            try:
                writer, before = self.opened()
                if os.name == "posix":
                    with pytest.raises(OutputError):
                        Writer.resume(self.folder)
                self.measure(writer, before)
            except (OutputError, SystemExit):
                pass
            finally:
                if writer is not None:
                    writer.close()

    def cut(self):
        """Lose the end of the file, as a kill in the middle of a record does."""
        path = self.folder / RESULTS
        if path.exists():
            text = path.read_bytes()
            last = text.rstrip(b"\n").rfind(b"\n") + 1
            os.truncate(path, self.dice.randint(last, len(text)))


def sequence(folder, seed):
    """Go through one sequence of faults; return how many records were lost."""
    dice = random.Random(seed)
    controller = Controller(folder, dice)
    lost = 0
    for _ in range(dice.randint(2, 6)):
        before = len(read(folder).repetitions) if readable(folder) else 0
        fault = dice.choice(("none", "full", "kill", "cut"))
        if fault == "none":
            controller.session()
        elif fault == "cut":
            controller.cut()
            before -= 1
        else:
            controller.session(FullDisk(dice.randint(0, 20_000), kills=fault == "kill"))
        if not readable(folder):
            continue
        lost += max(0, before - len(read(folder).repetitions))
    if readable(folder):
        controller.session()
        run = read(folder)
        assert run.end is not None
        numbers = [(one.case, one.number) for one in run.repetitions]
        assert len(numbers) == len(set(numbers))
        assert "repaired" not in {one.kind for one in run.events}
    return lost


def readable(folder):
    """Whether a file can be read; only one that was ended in its first line may be refused."""
    path = folder / RESULTS
    try:
        read(folder)
    except RecordError:
        assert not path.exists() or path.read_bytes().count(b"\n") == 0
        # As a user does after the refusal of --resume.
        path.unlink(missing_ok=True)
        return False
    return True


@pytest.mark.parametrize("seed", range(60))
def test_what_is_written_can_be_read_whatever_happens(tmp_path, seed):
    """No sequence of faults and resumes makes a file that is refused, or loses a record."""
    assert 0 == sequence(tmp_path / "run", seed)


@pytest.mark.slow
def test_two_thousand_sequences(tmp_path):
    """The same, often."""
    lost = [sequence(tmp_path / str(seed), seed) for seed in range(1_000, 3_000)]

    assert 2_000 == lost.count(0)


def test_a_file_of_an_older_version_is_repaired(tmp_path):
    """A failed repetition that was measured again under its number gets another number."""
    folder = tmp_path / "run"
    failed = fakes.repetition(CASES[0], 0, status=Status.CRASHED, reason="killed", samples=())
    with Writer(folder) as writer:
        writer.header(fakes.header())
        writer.case(fakes.case_record(CASES[0]))
        writer.repetition(failed)
        writer.repetition(fakes.repetition(CASES[0], 1))
        writer.event(RunEvent(0, "resumed", "resumed after 2 repetitions"))
        writer.repetition(fakes.repetition(CASES[0], 7))
    path = folder / RESULTS
    path.write_bytes(path.read_bytes().replace(b'"number":7', b'"number":0'))

    run = read(folder)

    assert [0, 1, 2] == [one.number for one in run.repetitions]
    assert "1 repetitions" in next(one.text for one in run.events if one.kind == "repaired")
    with Writer.resume(folder) as writer:
        writer.repetition(fakes.repetition(CASES[0], 0))
    assert [0, 1, 3, 2] == [one.number for one in read(folder).repetitions]


def test_what_no_reader_takes_is_kept_as_failed(tmp_path):
    """A record that the schema does not allow becomes a reason; the others are kept."""
    with Writer(tmp_path) as writer:
        writer.header(fakes.header())
        writer.case(fakes.case_record(CASES[0]))
        writer.repetition(fakes.repetition(CASES[0], 0, hash_seed=-4))
        with pytest.raises(MpbenchError, match="one environment record"):
            writer.header(fakes.header())

    (kept,) = read(tmp_path).repetitions
    assert Status.FAILED is kept.status
    assert "hash_seed" in (kept.reason or "")
