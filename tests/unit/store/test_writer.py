"""What the writer leaves on the disk, whatever happens while it writes."""

import math
import os
import resource
import stat

import fakes
import pytest

from mpbench.errors import OutputError, RecordError
from mpbench.model import EpisodePosition, Run, RunEnd, Sample, Status
from mpbench.model.sampled import CpuSeries, SampledUsage
from mpbench.store import RESULTS, Writer, read


def _repetitions(run, writer):
    for repetition in run.repetitions:
        writer.repetition(repetition)


def _write(run, path, **options):
    with Writer(path, **options) as writer:
        writer.header(run.header)
        for record in run.cases:
            writer.case(record)
        _repetitions(run, writer)
        for event in run.events:
            writer.event(event)
        if run.end is not None:
            writer.end(run.end)
    return path


def test_what_was_written_is_read_back(tmp_path):
    """Reading returns the records that were written, in their order."""
    run = fakes.run(agents=2)
    part = EpisodePosition("fork", 3, launched_first=True, turns=(0, 3))
    run = run._replace(
        repetitions=(*run.repetitions, fakes.repetition(run.cases[0].case, 99, slice=part))
    )

    folder = _write(run, tmp_path / "run", sync=True)

    assert run._replace(path=str(folder / RESULTS)) == read(folder)
    assert read(folder) == read(folder / RESULTS)


def test_what_a_sampler_saw_is_read_back(tmp_path):
    """Where nobody looked, the line is what it was before there was a sampler."""
    tracks = (CpuSeries("parent", (5, 9)), CpuSeries("worker", (None, 7)))
    sampled = SampledUsage(9, 1, 3_000, 400_000, (-1, 20), tracks, 4)
    run = fakes.run(agents=1)
    first, *others = run.repetitions
    run = run._replace(repetitions=(first._replace(sampled=sampled), *others))

    folder = _write(run, tmp_path / "run")
    lines = [line for line in (folder / RESULTS).read_text().splitlines() if '"account"' in line]

    assert sampled == read(folder).repetitions[0].sampled
    assert [True] + [False] * len(others) == ['"sampled"' in line for line in lines]


def test_file_and_folder_are_private(tmp_path):
    """Nobody else can read what a run recorded about its machine."""
    folder = _write(fakes.run(agents=1), tmp_path / "run")

    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert 0o600 == stat.S_IMODE((folder / RESULTS).stat().st_mode)


def test_an_existing_file_is_never_overwritten(tmp_path):
    """A second writer is refused with one line that names the file and the way out."""
    folder = _write(fakes.run(agents=1), tmp_path / "run")
    before = (folder / RESULTS).read_bytes()

    with pytest.raises(OutputError, match=r"results\.jsonl.*--resume"):
        Writer(folder)

    assert before == (folder / RESULTS).read_bytes()


def test_an_impossible_folder_is_refused(tmp_path):
    """A path that cannot be made is an output error and not a traceback."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match="cannot write"):
        Writer(tmp_path / "file" / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    """A folder without write permission is named, with what to do."""
    tmp_path.chmod(0o500)

    with pytest.raises(OutputError, match="no permission"):
        Writer(tmp_path / "run")


def test_a_fact_that_is_not_finite_costs_no_other_reading(tmp_path):
    """NaN and infinity never reach the file; the record names what was left out."""
    sample = Sample(100, 10, {"good": 1.5, "bad": math.nan, "worse": math.inf})
    record = fakes.case_record()
    with Writer(tmp_path) as writer:
        writer.header(fakes.header())
        writer.case(record)
        writer.repetition(fakes.repetition(record.case, samples=(sample,)))

    (found,) = read(tmp_path).repetitions

    assert {"good": 1.5} == found.samples[0].facts
    assert ["bad", "worse"] == found.extra["not_finite"]
    assert b"NaN" not in (tmp_path / RESULTS).read_bytes()


@pytest.fixture
def small_files():
    """Limit the size of files in this process; gives back a function that sets it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_whole_lines(tmp_path, small_files):
    """When the disk takes no more, what was measured before stays readable."""
    run = fakes.run(agents=3)
    writer = Writer(tmp_path)
    writer.header(run.header)
    for record in run.cases:
        writer.case(record)
    small_files((tmp_path / RESULTS).stat().st_size + 20_000)

    with pytest.raises(OutputError, match="what was measured before is kept"), writer:
        _repetitions(run, writer)

    found = read(tmp_path)
    assert 0 < len(found.repetitions) < len(run.repetitions)
    assert run.repetitions[: len(found.repetitions)] == found.repetitions
    assert () == found.events


def _cut(folder, size):
    path = folder / RESULTS
    os.truncate(path, path.stat().st_size - size)


def test_resume_removes_a_cut_line_and_goes_on(tmp_path):
    """A resumed run holds what was whole, an event about the loss, and what came after."""
    run = fakes.run(agents=2)._replace(events=(), end=None)
    _write(run, tmp_path)
    _cut(tmp_path, 30)

    with Writer.resume(tmp_path) as writer:
        writer.repetition(run.repetitions[-1])
        writer.end(RunEnd(5, Status.OK, None))

    found = read(tmp_path)
    assert run.repetitions == found.repetitions
    assert ["resumed"] == [event.kind for event in found.events]
    assert "cut off" in found.events[0].text
    assert RunEnd(5, Status.OK, None) == found.end


def test_only_the_last_record_ends_a_run(tmp_path):
    """A run that was resumed after its end and cut off again has no end."""
    _write(fakes.run(agents=1), tmp_path)

    with Writer.resume(tmp_path) as writer:
        assert read(tmp_path).end is None
        writer.end(RunEnd(9, Status.INTERRUPTED, "Ctrl-C"))

    assert Status.INTERRUPTED is read(tmp_path).end.status


def test_resume_refuses_what_is_no_result_file(tmp_path):
    """Nothing is appended to a file that cannot be read."""
    (tmp_path / RESULTS).write_text("not ours\n")

    with pytest.raises(RecordError):
        Writer.resume(tmp_path)

    assert "not ours\n" == (tmp_path / RESULTS).read_text()


def test_two_writers_of_one_file_are_refused(tmp_path):
    """While a run is written, nobody else can resume it."""
    pytest.importorskip("fcntl")
    with Writer(tmp_path) as writer:
        writer.header(fakes.header())

        with pytest.raises(OutputError, match="another run is writing it"):
            Writer.resume(tmp_path)


def test_a_symlink_is_not_followed_when_writing(tmp_path):
    """A prepared link cannot make a run append to another file."""
    target = _write(fakes.run(agents=1), tmp_path / "real") / RESULTS
    before = target.read_bytes()
    link = tmp_path / RESULTS
    link.symlink_to(target)

    with pytest.raises(OutputError):
        Writer.resume(link)
    with pytest.raises(OutputError):
        Writer(link)

    assert before == target.read_bytes()


def test_a_closed_writer_may_be_closed_again(tmp_path):
    """Closing twice does nothing."""
    writer = Writer(tmp_path)
    writer.header(fakes.header())
    writer.close()

    writer.close()


def test_a_run_without_end_is_fine(tmp_path):
    """A run that still goes on can be read."""
    run: Run = fakes.run(agents=1)._replace(end=None)
    _write(run, tmp_path)

    assert read(tmp_path).end is None
