"""
Benchmark type of asv that measures in mpbench's fresh agents.

asv's timing loop is never used: its process has a heavy `__main__`, which
spawned children would run again (2.7 and 15 times too slow for spawn and
forkserver), and with a set-up it times single cold calls. Each asv sample is
one fresh agent's median. The first combination of parameters under a start
method measures all of them in shared agents, and the others read.

This module needs the standard library and asv_runner only: asv environments
install mpbench without its dependencies.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import pickle
import re
from typing import TYPE_CHECKING, Any

from asv_runner import benchmarks as _types
from asv_runner.benchmarks._base import Benchmark, _get_first_attr

from mpbench.agent.user_function import resolve, user_function
from mpbench.catalog import discover
from mpbench.errors import MpbenchError
from mpbench.integrations.asv_batch import readings, shared_readings
from mpbench.integrations.fresh_agents import AgentSettings, Host, measure
from mpbench.integrations.user_call import user_call
from mpbench.model import Case, StartMethod

if TYPE_CHECKING:
    from mpbench.model import Scalar

__all__ = ("MpBenchmark", "case", "function", "register")

# asv starts a process for each combination and round, which costs as much as an agent. Medians
# of fresh processes differ by round, so that there are two; 8 agents have an interval of 99 %.
ROUNDS = 2
AGENTS_IN_A_ROUND = 4

# As in `mpbench run --tier standard`, with the median of three samples.
_AMOUNT = AgentSettings(AGENTS_IN_A_ROUND, samples=3, sample_ns=10_000_000, window_ms=50)

# Sweeps over workers must give the same parameters on every machine, or asv
# could not draw one line through two of them.
_CPUS = 2


class MpBenchmark(Benchmark):  # type: ignore[misc]  # asv_runner has no types
    """One case for each combination of parameters; the start method is the first of them."""

    name_regex = re.compile("^(Mp[A-Z_].+)|(mp_.+)$")

    def __init__(self, name: str, func: Any, attr_sources: list[Any]) -> None:
        Benchmark.__init__(self, name, func, attr_sources)
        self.type = "time"
        self.unit = _get_first_attr(attr_sources, "unit", "seconds")
        self.rounds = int(_get_first_attr(attr_sources, "rounds", ROUNDS))
        self.repeat = _get_first_attr(attr_sources, "repeat", AGENTS_IN_A_ROUND)

    def run(self, *params: Any) -> dict[str, Any]:
        """
        Measure one case in fresh agents and return one sample for each.

        `--quick` and `-a repeat=N` change how many agents that is.
        """
        # The command line's overrides are found only here, not when the object is made.
        repeat = _get_first_attr(self._attr_sources, "repeat", AGENTS_IN_A_ROUND)
        agents = int(repeat[0] if isinstance(repeat, (tuple, list)) else repeat)
        try:
            return {"samples": self.func(*params, agents=max(1, agents)), "number": 1}
        except MpbenchError as error:
            # asv shows what its process prints: the reason and the user's traceback are enough.
            raise SystemExit(str(error)) from None

    def do_profile(self, filename: str | None = None) -> None:
        """Refuse: a profile of this process would show it waiting for the agent."""
        raise NotImplementedError("profile with `mpbench profile`, the work is in other processes")


def register() -> None:
    """Make asv know the type; `benchmarks/__init__.py` calls it before anything is found."""
    if MpBenchmark not in _types.benchmark_types:
        _types.benchmark_types.insert(0, MpBenchmark)


def _method_of(value: str | None) -> StartMethod | None:
    return None if value is None else StartMethod(value)


def _wait_s(benchmark: Any) -> float:
    """Return how long to wait for another session: asv's time-out runs meanwhile."""
    return float(benchmark.timeout) / 2


def _absent(name: str) -> type:
    """Return a class that asv shows as n/a: this commit has no such workload."""

    def setup(_self: object, *_: Any) -> None:
        raise NotImplementedError(f"{name} does not exist at this commit")

    def mp_seconds(_self: object, *_: Any, agents: int = 1) -> list[float]:
        raise NotImplementedError(name)

    return type("Absent", (), {"setup": setup, "mp_seconds": mp_seconds, "version": name})


def case(name: str) -> type:
    """
    Return the base of an asv class for one workload.

    Args:
        name: The workload, `family/behaviour`; one that does not exist at the
            commit that is measured gives a class whose results are n/a.
    """
    workload = discover().get(name)
    if workload is None:
        return _absent(name)
    sweeps: dict[str, tuple[Scalar, ...]] = {
        parameter: sweep.resolve(workload.tier, _CPUS)
        for parameter, sweep in workload.parameters.items()
    }
    names = (["method"] if workload.by_method else []) + list(sweeps)
    values: list[list[Any]] = (
        [[method.value for method in StartMethod]] if workload.by_method else []
    )
    values += [list(given) for given in sweeps.values()]

    def split(given: tuple[Any, ...]) -> Case:
        found = dict(zip(names, given))  # noqa: B905 - Python 3.9 has no `strict`
        return Case.make(name, _method_of(found.pop("method", None)), found)

    def setup(_self: object, *given: Any) -> None:
        wanted = split(given)
        reason = workload.unsupported(wanted)
        if wanted.method and wanted.method.value not in multiprocessing.get_all_start_methods():
            reason = f"no start method {wanted.method.value}"
        if reason is not None:
            raise NotImplementedError(reason)

    def mp_seconds(self: Any, *given: Any, agents: int = AGENTS_IN_A_ROUND) -> list[float]:
        wanted = split(given)
        every = [split(values) for values in itertools.product(*self.params)]
        return shared_readings(
            workload,
            wanted,
            [
                entry
                for entry in every
                if entry.method is wanted.method and not workload.unsupported(entry)
            ],
            _AMOUNT._replace(agents=agents),
            wait_s=_wait_s(self),
        )

    def setup_cache(_self: object) -> None:
        """Have asv make a folder that all processes of a commit and environment share."""

    # asv reads these two from the function, everything else from the class.
    mp_seconds.pretty_source = workload.doc  # type: ignore[attr-defined]
    mp_seconds.pretty_name = name  # type: ignore[attr-defined]
    return type(
        "Measured",
        (),
        {
            "params": values,
            "param_names": names,
            "version": f"{name}:{workload.revision}",
            "unit": "seconds"
            if workload.metric.is_timed
            else {"B": "bytes"}.get(workload.metric.unit, "unit"),
            "timeout": 4 * workload.deadline_s,
            "setup": setup,
            "setup_cache": setup_cache,
            "mp_seconds": mp_seconds,
        },
    )


def _is_missing(target: str) -> str | None:
    """Return what this commit lacks of `package.module:function`; a broken import is raised."""
    module, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            return f"there is no module {error.name} at this commit"
        raise
    for name in path.split("."):
        found = getattr(found, name, None)
        if found is None:
            return f"{module} has no {path} at this commit"
    return None


def function(target: str, params: dict[str, list[Any]] | None = None) -> type:
    """
    Return the base of an asv class for a function of a project's own.

    A parameter named `context` receives the multiprocessing context; without
    one the default start method is set before the function's module is
    imported. A commit without the function gives results that are n/a. A class
    may set `timeout`, in seconds, and every other attribute that asv knows.

    Args:
        target: The function, `package.module:function`.
        params: Values of its keyword arguments: `{"tasks": [10, 100]}`.
    """
    arguments = params or {}

    def setup(_self: object, method: str, *_given: Any) -> None:
        if method not in multiprocessing.get_all_start_methods():
            raise NotImplementedError(f"no start method {method}")
        reason = _is_missing(target)
        if reason is not None:
            raise NotImplementedError(reason)

    def mp_seconds(
        self: Any, method: str, *given: Any, agents: int = AGENTS_IN_A_ROUND
    ) -> list[float]:
        keywords = dict(zip(arguments, given))  # noqa: B905 - Python 3.9 has no `strict`
        pickled = pickle.dumps((resolve(target), (), keywords)) if keywords else None
        one = Case.make(
            user_function.name, StartMethod(method), {"target": target, **_labels(keywords)}
        )
        measured = measure(
            user_function,
            one,
            AgentSettings(agents),
            call=user_call(target.partition(":")[0], pickled),
            host=Host(own_session=False, wait_s=_wait_s(self)),
        )
        return readings(measured, user_function)

    mp_seconds.pretty_source = f"Calls {target} in fresh interpreters."  # type: ignore[attr-defined]
    mp_seconds.pretty_name = target  # type: ignore[attr-defined]
    return type(
        "Called",
        (),
        {
            "params": [[one.value for one in StartMethod], *arguments.values()],
            "param_names": ["method", *arguments],
            # Of the way of measuring: a change of the function itself is what is looked for.
            "version": f"{target}:{user_function.revision}",
            "unit": "seconds",
            "timeout": 4 * user_function.deadline_s,
            "setup": setup,
            "mp_seconds": mp_seconds,
        },
    )


def _labels(keywords: dict[str, Any]) -> dict[str, Scalar]:
    """Return arguments as parameters of a case."""
    return {
        name: value if isinstance(value, (bool, int, float, str)) else repr(value)
        for name, value in keywords.items()
    }
