"""A file from anywhere, given to every command that reads files: a result, or one clear line."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpbench.cli.main import main
from mpbench.store import RESULTS, Writer


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a whole result file."""
    folder = tmp_path_factory.mktemp("whole")
    run = fakes.run(agents=2)
    with Writer(folder) as writer:
        writer.write_run(run)
    return (folder / RESULTS).read_bytes()


# What reads result files; {} is the file, * another one that is fine.
COMMANDS: dict[str, tuple[str, ...]] = {
    "report": ("report", "{}", "-o", "out"),
    "compare": ("compare", "*", "{}"),
    "advise": ("advise", "{}"),
    "csv": ("export", "{}", "--format", "csv", "-o", "out.csv"),
    "pyperf": ("export", "{}", "--format", "pyperf", "-o", "out.json"),
    "pytest-benchmark": ("export", "{}", "--format", "pytest-benchmark", "-o", "out.json"),
    "asv": ("export", "{}", "--format", "asv", "-o", "out", "--commit", "0" * 40),
    "resume": ("run", "--resume", "{}"),
}


def ask(
    command: str,
    file: Path,
    whole: bytes,
    capsys: pytest.CaptureFixture[str],
) -> tuple[int, list[str]]:
    """Give a file to a command; return its exit code and the lines of its stderr."""
    (file.parent / "fine.jsonl").write_bytes(whole)
    before = Path.cwd()
    os.chdir(file.parent)
    try:
        words = [
            word.replace("{}", str(file)).replace("*", "fine.jsonl") for word in COMMANDS[command]
        ]
        with pytest.raises(SystemExit) as ended:
            main(words)
    finally:
        os.chdir(before)
    code = ended.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().err.strip().splitlines()


def _line(whole: bytes, number: int, **changes: Any) -> bytes:
    lines = whole.splitlines(keepends=True)
    lines[number] = json.dumps(json.loads(lines[number]) | changes).encode() + b"\n"
    # The last line vouches for those before it.
    return b"".join(lines[:-1])


def _long_line(file: Path, whole: bytes) -> None:
    """Write a line of 100 MB; the file is sparse."""
    first = whole.index(b"\n") + 1
    file.write_bytes(whole[:first])
    os.truncate(file, first + 100_000_000)
    with file.open("ab") as end:
        end.write(b"\n" + whole[first:])


def _loop(file: Path, _: bytes) -> None:
    file.symlink_to(file)


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def _cut_and_changed(file: Path, whole: bytes) -> None:
    middle = len(whole) // 2
    file.write_bytes(whole[:middle] + whole[middle + 100 :])


HOSTILE: dict[str, Callable[[Path, bytes], object]] = {
    "empty": lambda file, _: file.write_bytes(b""),
    "binary": lambda file, _: file.write_bytes(random.Random(1).randbytes(10_000)),
    "zeros": lambda file, _: os.truncate(file, 1 << 20) if file.touch() is None else None,
    "a line of 100 MB": _long_line,
    "deep in a line": lambda file, whole: file.write_bytes(
        whole[: whole.index(b"\n")] + b"\n" + _nested(500_000).encode() + b"\n"
    ),
    "deep in a record": lambda file, whole: file.write_bytes(
        _line(whole, 0, plan=json.loads(_nested(60)))
    ),
    "another schema": lambda file, whole: file.write_bytes(_line(whole, 0, schema=7)),
    "another program": lambda file, _: file.write_text('{"benchmarks": [], "version": 1}\n'),
    "a broken middle": _cut_and_changed,
    "a pickle": lambda file, _: file.write_bytes(b"\x80\x04\x95cos\nsystem\n(S'id'\ntR."),
    "dangling link": lambda file, _: file.symlink_to("nowhere"),
    "link to itself": _loop,
    "link to a device": lambda file, _: file.symlink_to("/dev/zero"),
    "link to a folder": lambda file, _: file.symlink_to("/proc"),
    "pipe": lambda file, _: os.mkfifo(file),
    "not text": lambda file, whole: file.write_bytes(whole.replace(b"testbox", b"test\xffox")),
    "not a number": lambda file, whole: file.write_bytes(
        whole.replace(b'"elapsed_ns":', b'"elapsed_ns":NaN,"x":', 1)
    ),
    "a number of 5,000 digits": lambda file, whole: file.write_bytes(
        whole.replace(b'"agent":0', b'"agent":' + b"9" * 5_000, 1)
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_one_line_and_exit_2(
    tmp_path: Path, whole: bytes, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    """The line names the file; nothing is written, and nothing hangs."""
    file = tmp_path / "hostile.jsonl"
    HOSTILE[name](file, whole)
    code, said = ask(command, file, whole, capsys)

    assert 2 == code, said
    assert 1 == len(said), said
    assert "hostile.jsonl" in said[0]
    assert len(said[0]) < 1_000
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "resume"])
@pytest.mark.parametrize(
    "changes",
    [
        {"started_utc": "2999-12-31T23:59:59Z"},
        {"started_utc": "1970-01-01T00:00:00+00:00"},
        {"started_utc": "0001-01-01T00:00:00-23:59"},
        {"started_utc": "yesterday"},
        {"started_utc": "\u202e\x00<b>"},
        {"machine": "../../etc/<script>alert(1)</script>\u2028\x1b[31m"},
    ],
    ids=str,
)
def test_a_strange_clock_or_name_is_shown_or_refused(
    tmp_path: Path,
    whole: bytes,
    capsys: pytest.CaptureFixture[str],
    command: str,
    changes: dict[str, str],
) -> None:
    """A clock that is wrong by years and a hostile name are text, never a crash or a path."""
    file = tmp_path / "hostile.jsonl"
    file.write_bytes(_line(whole, 0, **changes))
    code, said = ask(command, file, whole, capsys)

    assert code in {0, 1, 2, 3, 4}, said
    assert [] == [line for line in said if "Traceback" in line or "bug of mpbench" in line]
    assert [] == [line for line in said if "\x1b" in line]
    assert [] == [one.name for one in tmp_path.parent.iterdir() if "<script" in one.name]
    for page in tmp_path.glob("out/*.html"):
        assert "<script>alert" not in page.read_text()


def test_clocks_that_ran_backwards_are_read(
    tmp_path: Path, whole: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stamps before the start of the run, or 200 years after it, are numbers like others."""
    lines = whole.splitlines(keepends=True)[:-1]
    odd = [-(2**62), 2**62, -1, 0]
    for at, line in enumerate(lines):
        record = json.loads(line)
        if record["record"] == "repetition":
            record["started_ns"] = odd[at % len(odd)]
            lines[at] = json.dumps(record).encode() + b"\n"
    file = tmp_path / "skewed.jsonl"
    file.write_bytes(b"".join(lines))
    codes = {ask(name, file, whole, capsys)[0] for name in COMMANDS if name != "resume"}

    assert codes <= {0, 1, 2, 3, 4}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_never_half_exported(
    tmp_path: Path, whole: bytes, capsys: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    """Cut or changed anywhere, a file gives its whole records, or one line and exit 2."""
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    size = data.draw(st.integers(0, len(whole)))
    file = tmp_path / "hostile.jsonl"
    file.write_bytes(bytes(damaged[:size]))
    code, said = ask("csv", file, whole, capsys)

    assert code in {0, 2, 4}, said
    assert code == 0 or 1 == len(said)
    assert [] == [line for line in said if "Traceback" in line]
