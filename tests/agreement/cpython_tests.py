"""
Run CPython's own tests of multiprocessing plain and profiled, and compare their outcomes.

    python tests/agreement/cpython_tests.py --python 3.13 fork spawn forkserver futures
    python tests/agreement/cpython_tests.py --python 3.11 fork -k TestQueue -k TestPool

A test that does not pass under the profiler although it passes without is run again by
itself, plain and profiled by turns. The exit code is 1 when one fails only there each time.
The Python needs its `test` package.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from mpbench.session.interpreters import find_interpreter

# Loads the tests of a start method, also where the installation has no module for it, and
# writes one line for each test: its name and what became of it.
RUNNER = """
import faulthandler, fnmatch, json, os, sys, unittest
import test.support

class Result(unittest.TextTestResult):
    def _note(self, test, outcome):
        with open(os.environ["OUTCOMES"], "a") as file:
            file.write(json.dumps([test.id(), outcome]) + "\\n")
    def startTest(self, test):
        super().startTest(test); self.failed = False
        faulthandler.dump_traceback_later(300, exit=True); self._note(test, "began")
    def addSuccess(self, test): super().addSuccess(test); self._note(test, "ok")
    def addSkip(self, test, reason): super().addSkip(test, reason); self._note(test, "skipped")
    def addError(self, test, error): super().addError(test, error); self._note(test, "failed")
    def addFailure(self, test, error): super().addFailure(test, error); self._note(test, "failed")
    def addSubTest(self, test, part, error):
        super().addSubTest(test, part, error)
        if error: self._note(test, "failed")

def flat(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite): yield from flat(one)
        else: yield one

if __name__ == "__main__":
    name, words = sys.argv[1], sys.argv[2:]
    test.support.use_resources = None
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    chosen = [one for one in flat(suite) if not words or any(w in one.id() for w in words)]
    whole = suite
    if words:
        whole = unittest.TestSuite()
        # Classes share what setUpModule makes, so they stay together.
        for one in chosen: whole.addTest(one)
    done = unittest.TextTestRunner(resultclass=Result, verbosity=0).run(whole)
    faulthandler.cancel_dump_traceback_later()
    sys.exit(not done.wasSuccessful())
"""
STUB = """
import test._test_multiprocessing
test._test_multiprocessing.install_tests_in_module_dict(globals(), {method!r})
"""
METHODS = ("fork", "spawn", "forkserver")
# One side of one module; the tests of one start method take some minutes.
LIMIT_S = 1_800
AGAIN = 3


class Side(NamedTuple):
    """What became of each test, and the end of what was printed."""

    outcomes: dict[str, str]
    said: str


def module_of(python: str, word: str, folder: Path) -> str:
    """Return the module with the tests of a start method, or of the executors."""
    if word not in METHODS:
        return "test.test_concurrent_futures" if word == "futures" else word
    name = f"test.test_multiprocessing_{word}"
    found = subprocess.run(
        [python, "-c", f"import importlib.util as u; assert u.find_spec({name!r})"],
        capture_output=True,
        check=False,
    )
    if found.returncode == 0:
        return name
    (folder / f"stub_{word}.py").write_text(STUB.format(method=word))
    return f"stub_{word}"


def run(python: str, module: str, words: list[str], folder: Path, *, profiled: bool) -> Side:
    """Run tests in a folder of their own."""
    here = Path(tempfile.mkdtemp(dir=folder))
    outcomes = here / "outcomes"
    command = [str(folder / "runner.py"), module, *words]
    if profiled:
        head = [sys.executable, "-m", "mpbench", "profile", "-o", str(here / "profile")]
        command = [*head, "--python", python, "--", *command]
    else:
        command = [python, *command]
    with (here / "said").open("wb") as said:
        try:
            subprocess.run(
                command,
                stdout=said,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OUTCOMES": str(outcomes)},
                cwd=here,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            said.write(b"\nended: it took too long\n")
    text = (here / "said").read_text(errors="replace")
    found: dict[str, str] = {}
    for line in outcomes.read_text().splitlines() if outcomes.is_file() else ():
        test, outcome = json.loads(line)
        # What fails in its clean-up has succeeded before.
        found[test] = "failed" if found.get(test) == "failed" else outcome
    return Side(found, text)


def differing(plain: Side, profiled: Side) -> list[str]:
    """Return the tests that did well plain and not profiled; one that did not end is one."""
    return [
        test
        for test, outcome in plain.outcomes.items()
        if outcome in {"ok", "skipped"} and profiled.outcomes.get(test) != outcome
    ]


def fails_only_profiled(python: str, module: str, test: str, folder: Path) -> str:
    """Return what a test says that fails under the profiler each time and never without."""
    said = ""
    for _ in range(AGAIN):
        plain = run(python, module, [test], folder, profiled=False)
        profiled = run(python, module, [test], folder, profiled=True)
        if test not in differing(plain, profiled):
            return ""
        said = profiled.said
    return said or "nothing"


def main() -> int:
    """Compare, and print one line for each module and for each test that differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("modules", nargs="+", help="fork, spawn, forkserver, futures, or a module")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("-k", action="append", default=[], help="a part of the tests' names")
    given = parser.parse_args()
    python = str(find_interpreter(given.python))
    worst = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        (folder / "runner.py").write_text(RUNNER)
        for word in given.modules:
            module = module_of(python, word, folder)
            sides = [run(python, module, given.k, folder, profiled=on) for on in (False, True)]
            suspects = differing(*sides)
            ran = sum(one == "ok" for one in sides[0].outcomes.values())
            print(
                f"{given.python} {module}: {len(sides[0].outcomes)} tests, {ran} passed plain, "
                f"{len(suspects)} of them not profiled",
                flush=True,
            )
            for side, words in zip(sides, ("plain", "profiled"), strict=True):
                # A test that hangs ends the run after five minutes, on either side.
                hung = [test for test, outcome in side.outcomes.items() if outcome == "began"]
                print("".join(f"  {words}: the run ended in {test}\n" for test in hung), end="")
            if not ran:
                print(sides[0].said[-2_000:])
                worst = 1
            for test in suspects:
                said = fails_only_profiled(python, module, test, folder)
                print(f"  {test}: {'fails only profiled' if said else 'passes again'}", flush=True)
                if said:
                    print(said[-1_500:], flush=True)
                    worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
