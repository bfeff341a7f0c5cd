"""
Run programs plain and profiled, and compare everything that they do.

    python tests/agreement/unchanged.py [--python PYTHON] [--quick] [WORDS of a name...]

Standard output, standard error, exit code, files that are left, and processes that remain
must be the same; with --segments what stays in shared memory as well, which wants a /dev/shm
that nobody else uses (`unshare -m`). A program that differs runs again; it counts when it
differs each time. `unchanged_programs.txt` holds the programs; those of the
cases that are given with --script, with their arguments, are compared as well. The exit
code is 1 when one differs.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from mpbench.agent.process_tree import mapped_segments, processes, segments

PROGRAMS = Path(__file__).with_name("unchanged_programs.txt")
LIMIT_S = 90
# What outlives a program may take so long; longer than a daemon of these programs lives.
SETTLE_S = 6.0
TRIES = 3
_OWN = "mpbench: "


class Program(NamedTuple):
    """A program: its text, or a script with arguments, and how it is ended."""

    name: str
    text: str
    words: tuple[str, ...] = ()
    send: str = ""
    to_group: bool = False
    quick: bool = False


class Effect(NamedTuple):
    """Everything that a run of a program did."""

    code: int
    out: str
    error: str
    files: dict[str, str]
    remains: int
    segments: int


def programs() -> list[Program]:
    """Return the programs of the file."""
    found = []
    for part in PROGRAMS.read_text().split("\n### ")[1:]:
        head, _, text = part.partition("\n")
        name, _, flags = head.partition(" | ")
        end = re.search(r"(send|group)=(\w+)", flags)
        found.append(
            Program(
                name=name,
                text=text,
                send=end[2] if end else "",
                to_group=bool(end) and end[1] == "group",
                quick="quick" in flags.split(),
            )
        )
    return found


def _remaining(mark: bytes) -> list[int]:
    found = []
    for one in processes():
        try:
            environment = Path(f"/proc/{one.pid}/environ").read_bytes()
        except OSError:
            continue
        if mark in environment and one.state != "Z":
            found.append(one.pid)
    return found


def _abandoned() -> set[str]:
    return segments(user=os.getuid()) - mapped_segments(processes())


def _end(process: subprocess.Popen[bytes], program: Program, out: Path) -> None:
    """Send what is to be sent, when the program is ready for it."""
    if program.send:
        limit = time.monotonic() + LIMIT_S
        while b"ready" not in out.read_bytes() and process.poll() is None:
            if time.monotonic() > limit:
                break
            time.sleep(0.01)
        time.sleep(0.1)
        number = getattr(signal, program.send)
        if program.to_group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _text(path: Path, place: Path) -> str:
    """Return what was written, without what differs from run to run."""
    text = path.read_text(errors="replace")
    if f"\n{_OWN}program ended" in f"\n{text}":
        text = f"\n{text}".partition(f"\n{_OWN}program ended")[0].removeprefix("\n")
    lines = [line for line in text.splitlines() if not line.startswith(_OWN)]
    text = "\n".join(lines).replace(str(place), "PLACE").strip()
    return re.sub(r"0x[0-9a-f]+|ForkPoolWorker-\d+|SpawnPoolWorker-\d+", "X", text)


def effect_of(program: Program, python: str, *, profiled: bool, count: bool = False) -> Effect:
    """Run a program in a new folder and return what it did; *count* what is in shared memory."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        place = Path(made).resolve()
        work, home = place / "work", place / "home"
        work.mkdir()
        home.mkdir()
        script = work / "program.py"
        if program.text:
            script.write_text(program.text)
        command = list(program.words) or [str(script)]
        if profiled:
            head = [sys.executable, "-m", "mpbench", "profile", "-o", str(home / "profile")]
            command = [*head, "--python", python, "--", *command]
        else:
            command = [python, *command]
        before = _abandoned()
        streams = [place / name for name in ("out", "error")]
        with streams[0].open("wb") as out, streams[1].open("wb") as error:
            process = subprocess.Popen(
                command,
                cwd=work,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=error,
                env={**os.environ, "MPB_MARK": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
            process.stdin.write(b"some words\n")
            process.stdin.close()
            _end(process, program, streams[0])
        mark, limit = f"MPB_MARK={place}".encode(), time.monotonic() + SETTLE_S
        while _remaining(mark) and time.monotonic() < limit:
            time.sleep(0.05)
        left = _remaining(mark)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        files = {
            str(path.relative_to(work)): path.read_text(errors="replace")
            for path in sorted(work.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
        code = process.returncode
        return Effect(
            128 - code if code < 0 else code,
            _text(streams[0], place),
            _text(streams[1], place),
            files,
            len(left),
            len(_abandoned() - before) if count else 0,
        )


def differences(
    program: Program, python: str = sys.executable, *, count: bool = False
) -> list[str]:
    """Return in what a profiled program differs from itself plain, each time."""
    found: list[str] = []
    for _ in range(TRIES):
        plain, profiled = (
            effect_of(program, python, profiled=on, count=count) for on in (False, True)
        )
        found = [
            f"{field}: {one!r} plain, {other!r} profiled"
            for field, one, other in zip(Effect._fields, plain, profiled, strict=True)
            if one != other
        ]
        if not found:
            return []
    return found


def main() -> int:
    """Compare the programs and print one line for each that differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("words", nargs="*", help="parts of names")
    parser.add_argument("--python", default=sys.executable, help="the path of an interpreter")
    parser.add_argument("--segments", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--script", action="append", default=[], help="a script with arguments")
    given = parser.parse_args()
    chosen = [
        one
        for one in programs()
        if (one.quick or not given.quick)
        and (not given.words or any(word in one.name for word in given.words))
    ]
    for words in given.script:
        script, *arguments = shlex.split(words)
        path = str(Path(script).resolve())
        chosen.append(Program(words, "", words=(path, *arguments)))
    bad = 0
    for one in chosen:
        found = differences(one, given.python, count=given.segments)
        bad += bool(found)
        for text in found:
            print(f"{one.name}: {text[:1_500]}", flush=True)
    print(f"{len(chosen)} programs, {len(chosen) - bad} do the same under the profiler")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
