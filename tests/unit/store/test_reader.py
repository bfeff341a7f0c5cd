"""What the reader accepts, and how it refuses the rest."""

import contextlib
import json
import os

import fakes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpbench.errors import RecordError
from mpbench.model import Metric, Status
from mpbench.store import RESULTS, Writer, read
from mpbench.store.schema import MAX_LINE


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of a small complete file."""
    folder = tmp_path_factory.mktemp("whole")
    record = fakes.case_record(metric=Metric.TIME)
    with Writer(folder) as writer:
        writer.header(fakes.header())
        writer.case(record)
        for number in range(3):
            writer.repetition(fakes.repetition(record.case, number, (1e-5, 2e-5)))
        writer.event(fakes.run(agents=1).events[0])
        writer.end(fakes.run(agents=1).end)
    return (folder / RESULTS).read_bytes()


def _place(tmp_path, content):
    (tmp_path / RESULTS).write_bytes(content)
    return tmp_path / RESULTS


def _change(whole, line, /, **changes):
    """Return the file with fields of one line replaced; None removes a field."""
    lines = whole.splitlines()[:-1]
    record = json.loads(lines[line - 1]) | changes
    record = {key: value for key, value in record.items() if value is not ...}
    lines[line - 1] = json.dumps(record).encode()
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize(
    ("number", "changes", "message"),
    [
        (1, {"schema": 2}, "1: expected .*schema 1, found schema 2"),
        (1, {"record": "other"}, "JSON of another program"),
        (1, {"machine": ...}, "machine"),
        (2, {"surprise": 1}, "2: .*unknown field `surprise`"),
        (2, {"metric": "speed"}, "2: expected a known metric, found no metric is called 'speed'"),
        (2, {"subject": "pypy"}, "2: expected a subject of line 1 .*, found 'pypy'"),
        (2, {"status": "skipped"}, "2: expected a reason for the status 'skipped', found none"),
        (3, {"method": "thread"}, "3: .*[Ii]nvalid enum value 'thread'"),
        (3, {"number": -1}, r"3: expected `int` >= 0 at `\$.number`, found something"),
        (3, {"number": "1"}, r"3: expected `int` at `\$.number`, found `str`"),
        (3, {"iterations": 1 << 70}, "3: "),
        (3, {"iterations": 1.5}, "3: "),
        (3, {"workload": "pipe/other"}, "3: expected a case that was declared before"),
        (3, {"samples": [{"elapsed_ns": None, "operations": 1}]}, "3: "),
        (3, {"samples": [{"elapsed_ns": 1, "operations": 1, "facts": {"x": None}}]}, "3: "),
        (4, {"number": 0}, "4: expected each repetition once"),
        (5, {"record": "environment"}, "5: "),
    ],
)
def test_a_wrong_record_is_named(tmp_path, whole, number, changes, message):
    """The error says which file, which line, what was expected and what was found."""
    path = _place(tmp_path, _change(whole, number, **changes))

    with pytest.raises(RecordError, match=message) as caught:
        read(path)

    assert number == caught.value.line
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b'{"record":"case"}\n',
        b"PK\x03\x04 a zip\n",
        b"\xff\xfe\x00\n",
        b'{"benchmarks": [], "version": "4.0.0"}\n',
        b'{\n  "benchmarks": [],\n  "version": 1\n}\n',
        b"[" * 200_000,
        b'{"record":"environment","schema":1,"plan":' + b"[" * 50_000 + b"\n",
        b"NaN\n",
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content):
    """Whatever is no result file ends in one clear line."""
    with pytest.raises(RecordError, match="expected"):
        read(_place(tmp_path, content))


def test_deep_nesting_is_refused(tmp_path, whole):
    """What a template or a printer would follow without end is not let in."""
    nested: object = 1
    for _ in range(100):
        nested = [nested]

    with pytest.raises(RecordError, match=r"1: expected at most \d+ levels"):
        read(_place(tmp_path, _change(whole, 1, plan={"deep": nested})))
    with pytest.raises(RecordError, match=r"3: expected at most \d+ levels"):
        read(_place(tmp_path, _change(whole, 3, extra={"deep": nested})))


def test_a_line_without_end_is_refused(tmp_path, whole):
    """A line of more than the limit is not read into memory to the end."""
    path = _place(tmp_path, whole)
    os.truncate(path, len(whole) + MAX_LINE + 10)

    with pytest.raises(RecordError, match="expected a line of at most 64 MiB"):
        read(path)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    """A missing file, a folder of something else and a named pipe end at once."""
    path = tmp_path / "it"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)

    with pytest.raises(RecordError, match="expected a"):
        read(path)


def test_a_changed_digit_is_found(tmp_path, whole):
    """The digest in the last line covers every byte before it."""
    text = whole.replace(b'"elapsed_ns":1000000', b'"elapsed_ns":1000001', 1)
    assert text != whole

    with pytest.raises(RecordError, match="changed after it was written"):
        read(_place(tmp_path, text))


def test_any_cut_keeps_what_was_whole(tmp_path, whole):
    """Cut at any byte, a file gives its complete lines and says that it was cut."""
    first = whole.index(b"\n") + 1
    lines = whole.splitlines(keepends=True)
    for size in range(len(whole)):
        path = _place(tmp_path, whole[:size])
        if size < first:
            with pytest.raises(RecordError):
                read(path)
            continue
        run = read(path)
        complete = whole[:size].count(b"\n")
        expected = sum(b'"repetition"' in line for line in lines[:complete])
        assert expected == len(run.repetitions)
        is_cut = not whole[:size].endswith(b"\n")
        assert is_cut == any(event.kind == "truncated" for event in run.events)
        assert run.end is None


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_flipped_bit_is_always_noticed(tmp_path, whole, data):
    """One changed bit anywhere before the end of a file is refused, never misread."""
    place_of = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(whole)
    flipped[place_of] ^= 1 << bit
    path = _place(tmp_path, bytes(flipped))
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1

    if place_of < last - 1:
        with pytest.raises(RecordError):
            read(path)
    else:
        # The last line protects the others; of itself it may lose what ends it.
        with contextlib.suppress(RecordError):
            assert 3 == len(read(path).repetitions)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=300))
def test_noise_is_refused(tmp_path, content):
    """No bytes make the reader fail in any other way."""
    with pytest.raises(RecordError):
        read(_place(tmp_path, content))


def test_hostile_names_are_only_names(tmp_path):
    """Markup, formulas and line separators are read back as they were."""
    run = fakes.run(agents=1, hostile=True)
    with Writer(tmp_path) as writer:
        writer.write_run(run)

    assert run.cases == read(tmp_path).cases


def test_a_failed_case_keeps_status_and_reason(tmp_path, whole):
    """What could not be measured is read like everything else."""
    text = _change(whole, 3, status="timeout", reason="60 s", samples=[])

    (first, *_) = read(_place(tmp_path, text)).repetitions

    assert (Status.TIMEOUT, "60 s", ()) == (first.status, first.reason, first.samples)
