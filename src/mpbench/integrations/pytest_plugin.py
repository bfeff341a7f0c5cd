"""
The pytest plugin: `mp_benchmark` measures a function in fresh agents under each start method.

pytest's own process cannot time start methods: under the `pytest` script a
spawned child imports pytest again. So the agents measure, and their readings
are replayed into pytest-benchmark through a clock that a fixture moves; its
tables, storage, comparison and JSON then work as always. Each round is one
fresh agent's median.

pytest loads this module in every session, so it imports next to nothing.
"""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpbench.model import Case, Repetition, Scalar
    from mpbench.workload import Workload

__all__ = ("MpBenchmark", "mp_benchmark", "pytest_addoption")

# The least for which an order-statistic interval of 95 % exists is 6; 8 as in `mpbench run`.
_AGENTS = 8


def _at_least_one(text: str) -> int:
    """Read a number of agents."""
    number = int(text)
    if number < 1:
        raise pytest.UsageError(f"--mpbench-agents: {number} is too few, expected 1 or more")
    return number


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("mpbench", "multiprocessing benchmarks in fresh interpreters")
    group.addoption(
        "--mpbench-agents",
        type=_at_least_one,
        default=_AGENTS,
        metavar="N",
        help="Fresh interpreters for each mp_benchmark test (default: %(default)s).",
    )


class _ReplayClock:
    """A clock that stands still until it is told how long something took."""

    # pytest-benchmark writes a timer's name into its JSON.
    __name__ = "mpbench_agent_clock"
    __module__ = "mpbench"

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move by what an agent measured."""
        self._now += seconds


class MpBenchmark:
    """
    What the fixture gives: call it with a function, or name a workload.

    Args:
        request: The test's request.
        method: The start method of this run of the test.
    """

    def __init__(self, request: pytest.FixtureRequest, method: str) -> None:
        self.start_method = method
        self._clock = _ReplayClock()
        self._agents = int(request.config.getoption("--mpbench-agents"))
        self._is_used = False
        in_parallel = hasattr(request.config, "workerinput")
        # Its option and its marker exist where it is loaded, and only there.
        if request.config.getoption("benchmark_enable", None) is None:
            pytest.fail("mp_benchmark needs pytest-benchmark: pip install 'mpbench[pytest]'", False)
        request.node.add_marker(pytest.mark.benchmark(timer=self._clock))
        self._benchmark: Any = request.getfixturevalue("benchmark")
        # pytest-benchmark only warns there, after a run that measured nothing.
        wanted = self._benchmark.enabled or request.config.getoption("benchmark_enable", False)
        if in_parallel and wanted:
            pytest.fail(
                "mp_benchmark does not measure beside other tests: run without -n, "
                "or leave benchmarks disabled there",
                pytrace=False,
            )

    def __call__(self, function: Callable[..., Any]) -> tuple[Repetition, ...]:
        """
        Measure a function of the test's module or of any importable one.

        A parameter named `context` receives the multiprocessing context;
        without one, the default start method is set before the import.
        """
        from mpbench.agent.user_function import user_function
        from mpbench.model import Case, StartMethod

        target = _target_of(function)
        case = Case.make(user_function.name, StartMethod(self.start_method), {"target": target})
        return self._measure(user_function, case, _paths_for(function))

    def workload(self, name: str, **params: Scalar) -> tuple[Repetition, ...]:
        """Measure a workload of the catalogue; what is not given takes its first value."""
        from mpbench.model import Case, StartMethod

        one = _workload_of(name, params)
        values = {key: sweep.resolve(one.tier, 2)[0] for key, sweep in one.parameters.items()}
        method = StartMethod(self.start_method) if one.by_method else None
        return self._measure(one, Case.make(name, method, {**values, **params}), ())

    def _measure(self, one: Workload, case: Case, paths: tuple[str, ...]) -> tuple[Repetition, ...]:
        from mpbench.integrations.fresh_agents import median_seconds

        if not one.metric.is_timed:
            pytest.fail(
                f"{one.name} measures {one.metric.label}, and pytest-benchmark knows seconds only; "
                "measure it with `mpbench run`",
                pytrace=False,
            )
        if self._is_used:
            pytest.fail(
                "mp_benchmark was called twice in one test, and pytest-benchmark keeps one result "
                "for each test; write two tests",
                pytrace=False,
            )
        self._is_used = True
        measured = self._measured(one, case, paths)
        self._benchmark.extra_info.update(
            start_method=None if case.method is None else case.method.value,
            case=case.id,
            workload=case.workload,
            case_params=dict(case.params),
            revision=one.revision,
        )
        readings = iter([median_seconds(repetition) for repetition in measured])
        self._benchmark.pedantic(
            lambda: self._clock.advance(next(readings, 0.0)), rounds=len(measured)
        )
        return measured

    def _measured(
        self, one: Workload, case: Case, paths: tuple[str, ...]
    ) -> tuple[Repetition, ...]:
        """Measure, or fail with the one line that says why; a chain of traces would hide it."""
        from mpbench.errors import MpbenchError
        from mpbench.integrations.fresh_agents import AgentSettings, measure

        amount = (
            AgentSettings(self._agents)
            if self._benchmark.enabled
            else AgentSettings(1, verify=True)
        )
        try:
            return measure(one, case, amount, paths=paths)
        except MpbenchError as error:
            wrong = str(error)
        pytest.fail(wrong, pytrace=False)


def _found_by_name(function: Callable[..., Any]) -> object:
    """Return what a function's module and name lead to, None where they lead nowhere."""
    found: object = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found


def _target_of(function: Callable[..., Any]) -> str:
    """Return `module:name`, or fail with what to do instead."""
    name = getattr(function, "__qualname__", "")
    wrong = None
    if isinstance(function, MethodType):
        wrong = "a bound method belongs to an object that only this process has"
    elif not name or "<" in name or not getattr(function, "__module__", None):
        wrong = "it has no name there"
    elif _found_by_name(function) is not function:
        wrong = f"{function.__module__}.{name} is something else here, such as what it wraps"
    if wrong is not None:
        pytest.fail(
            f"mp_benchmark cannot measure {name or repr(function)}: a fresh interpreter has to "
            f"import it by its name, and {wrong}; give it a function at the top level of a "
            "module, no lambda and no closure, that makes the call",
            pytrace=False,
        )
    return f"{function.__module__}:{name}"


def _workload_of(name: str, params: dict[str, Scalar]) -> Workload:
    """Return a workload that can take some values, or fail with those that it knows."""
    from mpbench.catalog import discover
    from mpbench.errors import UsageError
    from mpbench.session.selection import find_workload

    try:
        return find_workload(name, params, discover())
    except UsageError as error:
        wrong = str(error)
    pytest.fail(wrong, pytrace=False)


def _paths_for(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the folders from which the function's module was imported."""
    own = sys.modules.get(function.__module__)
    found = [Path(entry).resolve() for entry in sys.path if entry and Path(entry).is_dir()]
    prefixes = tuple(Path(one).resolve() for one in (sys.prefix, sys.base_prefix))
    kept = [
        str(path) for path in found if not any(path.is_relative_to(prefix) for prefix in prefixes)
    ]
    file = getattr(own, "__file__", None)
    depth = function.__module__.count(".")
    # Under `--import-mode=importlib` a test's package is not on sys.path.
    folders = Path(str(file)).resolve().parents if file else ()
    if depth < len(folders):
        kept.append(str(folders[depth]))
    return tuple(dict.fromkeys(kept))


@pytest.fixture(params=multiprocessing.get_all_start_methods())
def mp_benchmark(request: pytest.FixtureRequest) -> MpBenchmark:
    """Measure a function in fresh interpreters, once under each start method."""
    return MpBenchmark(request, request.param)
