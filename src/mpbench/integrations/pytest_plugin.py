"""
Fixture for pytest that measures functions in fresh agents.

`mp_benchmark` measures under each start method.

pytest's own process cannot time start methods: under the `pytest` script a
spawned child imports pytest again. So the agents measure, and their readings
are replayed into pytest-benchmark through a clock that a fixture moves; its
tables, storage, comparison and JSON then work as always. Each round is one
fresh agent's median.

pytest loads this module in every session, so it imports next to nothing.
"""

from __future__ import annotations

import math
import multiprocessing
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpbench.integrations.user_call import UserCall
    from mpbench.model import Case, Repetition, Scalar
    from mpbench.workload import Workload

__all__ = (
    "MpBenchmark",
    "mp_benchmark",
    "pytest_addoption",
    "pytest_collection_modifyitems",
)

# The least for which an order-statistic interval of 95 % exists is 6; 8 as in `mpbench run`.
_AGENTS = 8
_SAMPLE_NS = 50_000_000


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
        from mpbench.integrations.pytest_checks import check_marks_and_options

        self.start_method = method
        self._request = request
        self._clock = _ReplayClock()
        in_parallel = hasattr(request.config, "workerinput")
        # Its option and its marker exist where it is loaded, and only there.
        if request.config.getoption("benchmark_enable", None) is None:
            pytest.fail("mp_benchmark needs pytest-benchmark: pip install 'mpbench[pytest]'", False)
        self._benchmark: Any = request.getfixturevalue("benchmark")
        check_marks_and_options(request)
        # pytest-benchmark only warns there, after a run that measured nothing.
        wanted = self._benchmark.enabled or request.config.getoption("benchmark_enable", False)
        if in_parallel and wanted:
            pytest.fail(
                "mp_benchmark does not measure beside other tests: run without -n, "
                "or leave benchmarks disabled there",
                pytrace=False,
            )

    @property
    def extra_info(self) -> dict[str, Any]:
        """What pytest-benchmark stores beside the result; a test may add to it."""
        info: dict[str, Any] = self._benchmark.extra_info
        return info

    @property
    def stats(self) -> Any:
        """pytest-benchmark's statistics, None before the measurement and where it is disabled."""
        return self._benchmark.stats

    @property
    def enabled(self) -> bool:
        """Whether functions are measured; with --benchmark-disable they are only tried."""
        return bool(self._benchmark.enabled)

    @property
    def group(self) -> str | None:
        """pytest-benchmark's group of the test; a test may set it."""
        group: str | None = self._benchmark.group
        return group

    @group.setter
    def group(self, group: str | None) -> None:
        self._benchmark.group = group

    def __call__(
        self, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> tuple[Repetition, ...]:
        """
        Measure a call of a function, a method or a partial that can be pickled.

        A parameter named `context` that has no argument receives the multiprocessing
        context; the default start method is set before the function's module is imported.
        """
        return self.pedantic(function, args, kwargs)

    def pedantic(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        *,
        setup: Callable[[], Any] | None = None,
        teardown: Callable[..., Any] | None = None,
        rounds: int | None = None,
    ) -> tuple[Repetition, ...]:
        """
        Measure a call with a set-up and a teardown that run around each call, untimed.

        Args:
            target: The function.
            args: Its arguments.
            kwargs: Its keyword arguments.
            setup: Called before each call; may return arguments and keyword arguments.
            teardown: Called after each call with its arguments.
            rounds: Fresh interpreters; without, those of --mpbench-agents.
        """
        from mpbench.agent.user_function import user_function
        from mpbench.integrations.pytest_checks import call_name, check_patches, pickled_call
        from mpbench.integrations.user_call import user_call
        from mpbench.model import Case, StartMethod

        check_patches(self._request)
        given = dict(kwargs or {})
        name = call_name(target, args, given)
        call = user_call(
            name["target"].partition(":")[0], pickled_call(target, args, given, setup, teardown)
        )
        case = Case.make(user_function.name, StartMethod(self.start_method), name)
        return self._measure(user_function, case, call, rounds)

    def workload(self, name: str, **params: Scalar) -> tuple[Repetition, ...]:
        """Measure a workload of the catalogue; what is not given takes its first value."""
        from mpbench.model import Case, StartMethod

        one = _workload_of(name, params)
        values = {key: sweep.resolve(one.tier, 2)[0] for key, sweep in one.parameters.items()}
        method = StartMethod(self.start_method) if one.by_method else None
        return self._measure(one, Case.make(name, method, {**values, **params}), None, None)

    def _measure(
        self, workload: Workload, case: Case, call: UserCall | None, agents: int | None
    ) -> tuple[Repetition, ...]:
        from mpbench.integrations.fresh_agents import median_seconds

        self._claim(workload)
        measured = self._measured(workload, case, call, agents)
        self._benchmark.extra_info.update(
            start_method=None if case.method is None else case.method.value,
            case=case.id,
            workload=case.workload,
            case_params=dict(case.params),
            revision=workload.revision,
        )
        self._replay([median_seconds(repetition) for repetition in measured])
        return measured

    def _claim(self, workload: Workload) -> None:
        """Take pytest-benchmark's fixture, or fail where it has its one result already."""
        wrong = None
        if not workload.metric.is_timed:
            wrong = (
                f"{workload.name} measures {workload.metric.label}, "
                "and pytest-benchmark knows seconds only; "
                "measure it with `mpbench run`"
            )
        elif self._benchmark._mode is not None:  # noqa: SLF001 - it says so only after measuring
            wrong = (
                "mp_benchmark was called twice in one test, or after `benchmark`, and "
                "pytest-benchmark keeps one result for each test; write two tests"
            )
        if wrong is not None:
            pytest.fail(wrong, pytrace=False)
        # After a failure it would warn that it was not used.
        self._benchmark._mode = "mp_benchmark(...)"  # noqa: SLF001

    def _replay(self, seconds: list[float]) -> None:
        """Make pytest-benchmark read what agents measured, and check that it did."""
        readings = iter(seconds)
        # A mark of the test's own would hide one with our timer.
        self._benchmark._timer = self._clock  # noqa: SLF001
        self._benchmark._mode = None  # noqa: SLF001
        self._benchmark.pedantic(
            lambda: self._clock.advance(next(readings, 0.0)), rounds=len(seconds)
        )
        if not self._benchmark.enabled:
            return
        replayed = [float(value) for value in self._benchmark.stats.stats.data]
        is_same = len(replayed) == len(seconds) and all(
            math.isclose(one, other, rel_tol=1e-6)
            for one, other in zip(replayed, seconds, strict=True)
        )
        if not is_same:
            self._benchmark.has_error = True
            pytest.fail(
                f"pytest-benchmark recorded {replayed}, expected {seconds} as the agents measured; "
                "this version of pytest-benchmark is not supported",
                pytrace=False,
            )

    def _measured(
        self, workload: Workload, case: Case, call: UserCall | None, agents: int | None
    ) -> tuple[Repetition, ...]:
        """Measure, or fail with the lines that say why; a chain of traces would hide them."""
        from mpbench.errors import MpbenchError
        from mpbench.integrations.fresh_agents import AgentSettings, measure
        from mpbench.integrations.pytest_checks import least_amount

        fewest, shortest_s = least_amount(self._request)
        count = agents or max(fewest, int(self._request.config.getoption("--mpbench-agents")))
        settings = (
            AgentSettings(count, sample_ns=max(_SAMPLE_NS, round(shortest_s * 1e9)))
            if self._benchmark.enabled
            else AgentSettings(1, verify=True)
        )
        try:
            return measure(workload, case, settings, call=call)
        except MpbenchError as error:
            wrong = str(error)
        pytest.fail(wrong, pytrace=False)


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let pytest-benchmark see its fixture in our tests, for --benchmark-only and -skip."""
    if config.getoption("benchmark_enable", None) is None:
        return
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if "mp_benchmark" in names and "benchmark" not in names:
            names.append("benchmark")


@pytest.fixture(params=multiprocessing.get_all_start_methods())
def mp_benchmark(request: pytest.FixtureRequest) -> MpBenchmark:
    """Measure a function in fresh interpreters, once under each start method."""
    return MpBenchmark(request, request.param)
