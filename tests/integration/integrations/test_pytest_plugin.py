"""The pytest plugin in sessions of its own: what it measures, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mpbench.integrations.exchange.pytest_file import read_pytest_json
from mpbench.model import StartMethod

pytest.importorskip("pytest_benchmark")

Call = Callable[..., subprocess.CompletedProcess[str]]

_GOOD = """
def start(context):
    child = context.Process(target=int)
    child.start()
    child.join()

def test_start(mp_benchmark):
    mp_benchmark(start)
"""
_SESSION = ("pytest", "-q", "-p", "no:cacheprovider", "--mpbench-agents=2")


@pytest.fixture
def session(tmp_path: Path, python: Call) -> Call:
    """Write one test module and run pytest on it."""

    def run(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(text)
        return python(*_SESSION, "test_it.py", *options)

    return run


@pytest.mark.slow
def test_json_holds_every_agent(tmp_path: Path, session: Call) -> None:
    """The JSON has a round for each agent under each start method, and reads as a run."""
    done = session(_GOOD, "--benchmark-json=out.json")

    assert 0 == done.returncode, done.stdout
    run = read_pytest_json(tmp_path / "out.json")
    assert set(StartMethod) == {record.case.method for record in run.cases}
    assert {("target", "test_it:start")} == {record.case.params[0] for record in run.cases}
    assert 6 == len(run.repetitions)
    (first, *_) = json.loads((tmp_path / "out.json").read_text())["benchmarks"]
    assert 2 == first["stats"]["rounds"]
    assert 0 < first["stats"]["min"]


@pytest.mark.slow
def test_a_disabled_run_verifies(session: Call) -> None:
    """With benchmarks disabled each start method is tried once, and nothing is reported."""
    done = session(_GOOD, "--benchmark-disable")

    assert 0 == done.returncode, done.stdout
    assert "3 passed" in done.stdout
    assert "Median" not in done.stdout


def test_a_disabled_run_finds_what_is_wrong(session: Call) -> None:
    """With benchmarks disabled a function that raises fails all the same, with its reason."""
    text = "def bad():\n    raise OSError('no luck')\n"
    text += "def test_bad(mp_benchmark):\n    mp_benchmark(bad)\n"

    done = session(text, "--benchmark-disable", "-k", "[fork]")

    assert 1 == done.returncode
    assert "raised OSError: no luck" in done.stdout
    assert "During handling" not in done.stdout


@pytest.mark.parametrize(
    "body",
    [
        "mp_benchmark(lambda: None)",
        "def inner(): pass\n    mp_benchmark(inner)",
        "import functools\n    mp_benchmark(functools.partial(print))",
    ],
)
def test_what_cannot_be_imported_is_refused(session: Call, body: str) -> None:
    """A lambda, a closure and a partial are refused with what to do instead."""
    done = session(f"def test_bad(mp_benchmark):\n    {body}\n", "-k", "[spawn]")

    assert 1 == done.returncode
    assert "top level of a module, no lambda and no closure" in done.stdout


_OTHERS = """
import functools

def deco(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

def fast():
    pass

slow = deco(fast)

class Thing:
    def method(self):
        pass

    @classmethod
    def made(cls):
        pass

async def later():
    pass

def lazily():
    yield

@deco
def awaited():
    return later()

@deco
def with_context(context):
    context.Event()
"""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("slow", "test_it.fast is something else here"),
        ("Thing().method", "a bound method belongs to an object"),
        ("Thing.made", "a bound method belongs to an object"),
        ("later", "returned a coroutine and did none of its work"),
        ("awaited", "returned a coroutine and did none of its work"),
        ("lazily", "returned a generator and did none of its work"),
    ],
)
def test_another_function_is_never_measured(session: Call, given: str, words: str) -> None:
    """A name that leads elsewhere, a method and work that is only promised are refused."""
    text = f"{_OTHERS}\ndef test_bad(mp_benchmark):\n    mp_benchmark({given})\n"

    done = session(text, "-k", "[fork]")

    assert 1 == done.returncode
    assert words in done.stdout.replace("\n", " ")
    assert "never awaited" not in done.stdout


def test_a_decorated_function_is_given_the_context(session: Call) -> None:
    """A wrapper of `functools.wraps` receives the context that what it wraps asks for."""
    text = f"{_OTHERS}\ndef test_good(mp_benchmark):\n    mp_benchmark(with_context)\n"

    done = session(text, "-k", "[fork]")

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("'pipe/round-trp'", "no workload is called 'pipe/round-trp'"),
        ("'pipe/round-trip', foo=3", "pipe/round-trip has no parameter 'foo'"),
        ("'pipe/round-trip', form='nope'", "pipe/round-trip cannot take form='nope'"),
    ],
)
def test_a_workload_that_is_not_known_is_refused(session: Call, given: str, words: str) -> None:
    """A wrong name or value is one clear failure, and labels nothing."""
    text = f"def test_bad(mp_benchmark):\n    mp_benchmark.workload({given})\n"

    done = session(text, "-k", "[fork]")

    assert 1 == done.returncode
    assert words in done.stdout
    assert "During handling" not in done.stdout


def test_what_is_no_time_is_refused(session: Call) -> None:
    """A workload that measures memory has no place in a table of seconds."""
    text = (
        "from mpbench.catalog import discover\n"
        "def test_bad(mp_benchmark):\n"
        "    name = next(k for k, w in discover().items() if w.metric.unit == 'B')\n"
        "    mp_benchmark.workload(name)\n"
    )

    done = session(text, "-k", "[fork]")

    assert 1 == done.returncode
    assert "pytest-benchmark knows seconds only" in done.stdout


def test_it_does_not_measure_in_parallel(session: Call) -> None:
    """Under xdist with benchmarks enabled the fixture refuses."""
    pytest.importorskip("xdist")

    done = session(_GOOD, "-n1", "--benchmark-enable", "-k", "[fork]")

    assert 1 == done.returncode
    assert "does not measure beside other tests" in done.stdout


@pytest.mark.slow
def test_it_verifies_in_parallel(session: Call) -> None:
    """Under xdist without that option benchmarks are disabled, and the test runs."""
    pytest.importorskip("xdist")

    done = session(_GOOD, "-n1", "-k", "[fork]")

    assert 0 == done.returncode, done.stdout


@pytest.mark.slow
def test_a_package_of_tests_is_found(tmp_path: Path, python: Call) -> None:
    """A function in a package of tests is importable in agents under either import mode."""
    package = tmp_path / "checks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "test_it.py").write_text(_GOOD)

    for mode in ("prepend", "importlib"):
        done = python(*_SESSION, "checks", f"--import-mode={mode}", "-k", "[spawn]")

        assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("options", [(), ("--strict-markers",)])
def test_without_pytest_benchmark_it_says_so(session: Call, options: tuple[str, ...]) -> None:
    """Where pytest-benchmark is not loaded the message names the extra, and nothing else."""
    done = session(_GOOD, "-p", "no:benchmark", "-k", "[fork]", *options)

    assert 1 == done.returncode
    assert "pip install 'mpbench[pytest]'" in done.stdout
    assert "During handling" not in done.stdout


@pytest.mark.parametrize("number", ["0", "-1"])
def test_no_agents_are_no_benchmark(session: Call, number: str) -> None:
    """A number of agents below one is refused before any test."""
    done = session(_GOOD, f"--mpbench-agents={number}")

    assert 4 == done.returncode
    assert f"--mpbench-agents: {number} is too few" in done.stderr


def test_a_second_call_measures_nothing(session: Call) -> None:
    """Two calls in one test are refused before the second is measured."""
    text = "def once():\n    pass\n"
    text += "def second():\n    open('measured', 'w')\n"
    text += "def test_twice(mp_benchmark):\n    mp_benchmark(once)\n    mp_benchmark(second)\n"
    text += "def test_nothing():\n    import os\n    assert not os.path.exists('measured')\n"

    done = session(text, "-k", "[fork] or nothing")

    assert 1 == done.returncode
    assert "mp_benchmark was called twice in one test" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
