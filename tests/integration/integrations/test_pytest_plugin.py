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
        "import functools\n    mp_benchmark(functools.partial(print, lambda: None))",
        "import threading\n    mp_benchmark(print, threading.Lock())",
        "import multiprocessing\n    mp_benchmark(print, multiprocessing.Lock())",
    ],
)
def test_what_cannot_be_pickled_is_refused(session: Call, body: str) -> None:
    """A lambda, a closure and arguments that cannot be pickled are refused with what to do."""
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
        ("slow", "not the same object as test_it.fast"),
        ("later", "returned a coroutine and did none of its work"),
        ("awaited", "returned a coroutine and did none of its work"),
        ("lazily", "returned a generator and did none of its work"),
    ],
)
def test_another_function_is_never_measured(session: Call, given: str, words: str) -> None:
    """A name that leads elsewhere and work that is only promised are refused."""
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


_SLEEPERS = """
import functools
import os
import sys
import time

import pytest

def rest(context, ms=20):
    time.sleep(ms / 1_000)

class Sleeper:
    def __init__(self, ms):
        self.ms = ms

    def rest(self):
        time.sleep(self.ms / 1_000)

    @classmethod
    def of_class(cls, ms):
        time.sleep(ms / 1_000)

    @staticmethod
    def static(ms):
        time.sleep(ms / 1_000)
"""


def medians(folder: Path) -> dict[str, float]:
    """Return what the JSON has, in milliseconds by the name of the test."""
    content = json.loads((folder / "out.json").read_text())
    return {
        one["name"].partition("[")[0]: one["stats"]["min"] * 1e3 for one in content["benchmarks"]
    }


@pytest.mark.slow
def test_no_mark_hides_the_clock(tmp_path: Path, session: Call) -> None:
    """Marks at every level, and whoever asks for `benchmark` first, leave the agents' times."""
    text = (
        f"{_SLEEPERS}\npytestmark = pytest.mark.benchmark(group='module')\n"
        "def test_module(mp_benchmark): mp_benchmark(rest)\n"
        "@pytest.mark.benchmark(group='function')\n"
        "def test_function(mp_benchmark): mp_benchmark(rest)\n"
        "@pytest.mark.benchmark(group='class')\n"
        "class TestIt:\n"
        "    def test_class(self, mp_benchmark): mp_benchmark(rest)\n"
        "def test_first(benchmark, mp_benchmark):\n"
        "    benchmark.extra_info['mine'] = 1\n"
        "    mp_benchmark(rest)\n"
        "    assert mp_benchmark.stats.stats.min >= 0.02\n"
        "@pytest.mark.benchmark\n"
        "def test_bare(mp_benchmark): mp_benchmark(rest)\n"
        "@pytest.fixture\n"
        "def prepared(benchmark):\n"
        "    return benchmark\n"
        "def test_prepared(prepared, mp_benchmark): mp_benchmark(rest)\n"
        "by_param = pytest.param(1, marks=pytest.mark.benchmark(group='param'))\n"
        "@pytest.mark.parametrize('n', [by_param])\n"
        "def test_param(mp_benchmark, n): mp_benchmark(rest)\n"
    )

    method = ("-k", "fork and not forkserver")
    done = session(text, *method, "--benchmark-json=out.json", "--benchmark-only")

    assert 0 == done.returncode, done.stdout
    content = json.loads((tmp_path / "out.json").read_text())["benchmarks"]
    # pytest-benchmark reads the closest mark alone, and a bare one names no group.
    assert {"module", "function", "class", "param", None} == {one["group"] for one in content}
    assert all(value >= 20 for value in medians(tmp_path).values())
    assert 7 == len(content)
    assert [1] == [one["extra_info"]["mine"] for one in content if "mine" in one["extra_info"]]


@pytest.mark.slow
def test_every_kind_of_callable_takes_arguments(tmp_path: Path, session: Call) -> None:
    """Arguments, parametrised ones, partials, methods of all kinds and a set-up reach agents."""
    text = (
        f"{_SLEEPERS}\n"
        "def made(): return (7,), {}\n"
        "@pytest.mark.parametrize('ms', [30])\n"
        "def test_30(mp_benchmark, ms): mp_benchmark(rest, ms)\n"
        "def test_31(mp_benchmark): mp_benchmark(rest, ms=31)\n"
        "def test_32(mp_benchmark): mp_benchmark(functools.partial(rest, ms=32))\n"
        "def test_33(mp_benchmark): mp_benchmark(Sleeper(33).rest)\n"
        "def test_34(mp_benchmark): mp_benchmark(Sleeper.of_class, 34)\n"
        "def test_35(mp_benchmark): mp_benchmark(Sleeper.static, 35)\n"
        "def test_7(mp_benchmark): mp_benchmark.pedantic(rest, setup=made, rounds=3)\n"
    )

    done = session(text, "-k", "[fork", "--benchmark-json=out.json")

    assert 0 == done.returncode, done.stdout
    found = medians(tmp_path)
    assert 7 == len(found)
    assert all(value >= int(name.removeprefix("test_")) for name, value in found.items())


def test_the_session_reaches_the_function(session: Call) -> None:
    """The environment, patched or the shell's, and the working directory are the function's."""
    text = (
        "import os\n"
        "def looks():\n"
        "    assert (os.environ['A'], os.environ['OMP_NUM_THREADS']) == ('1', '3'), 'variables'\n"
        "    assert os.path.exists('marker'), os.getcwd()\n"
        "    assert 'PYTEST_CURRENT_TEST' not in os.environ\n"
        "def test_it(mp_benchmark, monkeypatch, tmp_path):\n"
        "    (tmp_path / 'marker').touch()\n"
        "    monkeypatch.setenv('A', '1')\n"
        "    monkeypatch.setenv('OMP_NUM_THREADS', '3')\n"
        "    monkeypatch.chdir(tmp_path)\n"
        "    mp_benchmark(looks)\n"
    )

    done = session(text, "--benchmark-disable", "-k", "[fork]")

    assert 0 == done.returncode, done.stdout


_FAILURES = """
import multiprocessing
import os
import sys

def fails(number=0):
    raise ValueError(f"bad {number}")

def start(context, target):
    child = context.Process(target=target)
    child.start()
    child.join()

def exits():
    sys.exit(3)

def kills():
    os.kill(os.getpid(), 9)

def sleeps():
    import time
    time.sleep(60)

def in_pool(context):
    with context.Pool(1) as pool:
        pool.map(fails, [7])

def well(context):
    child = context.Process(target=sleeps)
    child.start()
    child.terminate()
    child.join()
    with context.Pool(2) as pool:
        pool.map(int, range(4))
"""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("fails", ("raised ValueError: bad 0 at", "test_it.py:7", "in fails")),
        ("start, fails", ("Process-1 ended with exit code 1", "ValueError: bad 0", "in fails")),
        ("start, exits", ("Process-1 ended with exit code 3",)),
        ("start, kills", ("Process-1 was ended by SIGKILL",)),
        ("in_pool", ("raised ValueError: bad 7", "in fails")),
        ("exits", ("raised SystemExit: 3",)),
    ],
)
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_failure_is_red(session: Call, given: str, words: tuple[str, ...], method: str) -> None:
    """A function or a child of it that fails is a failure, with the traceback on one screen."""
    text = f"{_FAILURES}\ndef test_bad(mp_benchmark):\n    mp_benchmark({given})\n"

    done = session(text, "--benchmark-disable", "-k", f"[{method}]")

    assert 1 == done.returncode, done.stdout
    for word in words:
        assert word in done.stdout
    # In continuous integration pytest repeats the whole message in its summary.
    report, _, _ = done.stdout.partition("short test summary info")
    assert len(report.splitlines()) < 30


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_that_are_told_to_end_have_not_failed(session: Call, method: str) -> None:
    """Terminated children and the workers of a pool are no failures."""
    text = f"{_FAILURES}\ndef test_good(mp_benchmark):\n    mp_benchmark(well)\n"

    done = session(text, "--benchmark-disable", "-k", f"[{method}]")

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize(
    ("mark", "options", "words"),
    [
        ("", ("--benchmark-cprofile=tottime",), "would profile the wait"),
        ("timer=sum", (), "fresh interpreters read the monotonic clock"),
        ("max_time=3", (), "set it with --mpbench-agents"),
        ("disable_gc=False", (), "never runs in a sample"),
    ],
)
def test_options_that_cannot_be_honoured_are_refused(
    session: Call, mark: str, options: tuple[str, ...], words: str
) -> None:
    """A mark or an option that would change nothing is refused with its reason."""
    text = f"import pytest\n@pytest.mark.benchmark({mark})\n"
    text += "def test_bad(mp_benchmark):\n    mp_benchmark(print)\n"

    done = session(text, "-k", "[fork]", *options)

    assert 1 == done.returncode, done.stdout
    assert words in done.stdout


def test_an_option_for_other_tests_is_a_warning(session: Call) -> None:
    """An option of the session that this fixture does not use is named once in a warning."""
    text = "def test_good(mp_benchmark):\n    mp_benchmark(print)\n"

    done = session(text, "-k", "[fork]", "--benchmark-disable", "--benchmark-max-time=2")

    assert 0 == done.returncode, done.stdout
    assert "mp_benchmark does not use --benchmark-max-time" in done.stdout


def test_a_patched_module_is_refused(session: Call) -> None:
    """What `monkeypatch` changes in this process alone cannot be measured elsewhere."""
    text = "N = 1\ndef uses(): return N\ndef test_bad(mp_benchmark, monkeypatch):\n"
    text += "    monkeypatch.setattr('test_it.N', 5)\n    mp_benchmark(uses)\n"

    done = session(text, "-k", "[fork]")

    assert 1 == done.returncode
    assert "monkeypatch has changed test_it.N in this process only" in done.stdout


@pytest.mark.parametrize(("option", "words"), [("--benchmark-skip", "1 skipped")])
def test_benchmarks_are_skipped(session: Call, option: str, words: str) -> None:
    """`--benchmark-skip` skips these tests as it skips the others."""
    done = session(_GOOD, option, "-k", "[fork]")

    assert 0 == done.returncode, done.stdout
    assert words in done.stdout


def test_the_page_has_every_option() -> None:
    """docs/PYTEST.md has a row for each option and each keyword of the mark."""
    from pytest_benchmark import plugin

    class Options:
        """Collects the names of options."""

        def __init__(self) -> None:
            self.names: list[str] = []

        def getgroup(self, *_: str) -> Options:
            """Return itself: there is one group."""
            return self

        def addoption(self, name: str, *_: object, **__: object) -> None:
            """Keep a name."""
            self.names.append(name)

    options = Options()
    plugin.pytest_addoption(options)
    page = (Path(__file__).parents[3] / "docs" / "PYTEST.md").read_text()

    assert len(options.names) > 30
    assert [] == [name for name in options.names if f"`{name}`" not in page]
