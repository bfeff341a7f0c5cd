"""Refusals of the pytest plugin: what cannot reach an agent, or would mean nothing there."""

from __future__ import annotations

import functools
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = (
    "UNUSED_OPTIONS",
    "call_name",
    "check_marks_and_options",
    "check_patches",
    "pickled_call",
)

# Options of pytest-benchmark that cannot mean here what they say, by their name in the mark.
# docs/PYTEST.md has every option; a test compares it with pytest-benchmark's own list.
UNUSED_OPTIONS = {
    "max_time": "the number of fresh interpreters is fixed; set it with --mpbench-agents",
    "precision": "the number of fresh interpreters is fixed; set it with --mpbench-agents",
    "confidence": "it belongs to --benchmark-precision",
    "timer": "fresh interpreters read the monotonic clock",
    "calibration_precision": "samples last 50 ms or longer, far above the clock's precision",
    "warmup": "fresh interpreters always warm up while they calibrate",
    "warmup_iterations": "fresh interpreters always warm up while they calibrate",
    "disable_gc": "the garbage collector never runs in a sample",
}
# What is always on may be asked for.
_ALWAYS_ON = ("warmup", "disable_gc")
_UNPICKLABLE = (pickle.PicklingError, AttributeError, TypeError, ValueError, RuntimeError)


def _mark(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Return the keywords of the test's own mark, its class's or its module's."""
    mark = request.node.get_closest_marker("benchmark")
    return mark.kwargs if mark else {}


def _chosen(config: pytest.Config, name: str) -> Any:
    """Return an option's value, None where it is pytest-benchmark's default."""
    value = config.getoption(f"benchmark_{name}", None)
    # There is no public way to the defaults.
    defaults = config._parser.parse_known_args([])  # noqa: SLF001
    return None if value == getattr(defaults, f"benchmark_{name}", None) else value


def least_amount(request: pytest.FixtureRequest) -> tuple[int, float]:
    """Return the fewest agents and the shortest sample, in seconds, that a user asks for."""
    mark = _mark(request)
    rounds, seconds = (
        mark.get(name, _chosen(request.config, name)) or 0 for name in ("min_rounds", "min_time")
    )
    return int(rounds), float(seconds)


def check_marks_and_options(request: pytest.FixtureRequest) -> None:
    """Fail for a mark that cannot be honoured, and warn of such options of the session."""
    config = request.config
    mark = _mark(request)
    if mark.get("cprofile", config.getoption("benchmark_cprofile", None)):
        pytest.fail(
            "--benchmark-cprofile would profile the wait for fresh interpreters and not the "
            "function; use `mpbench profile`",
            pytrace=False,
        )
    for name, value in mark.items():
        if name in UNUSED_OPTIONS and not (name in _ALWAYS_ON and value):
            pytest.fail(
                f"mp_benchmark cannot honour @pytest.mark.benchmark({name}={value!r}): "
                f"{UNUSED_OPTIONS[name]}",
                pytrace=False,
            )
    for name, reason in UNUSED_OPTIONS.items():
        value = _chosen(config, name)
        if value is not None and not (name in _ALWAYS_ON and value):
            option = f"--benchmark-{name.replace('_', '-')}"
            request.node.warn(pytest.PytestWarning(f"mp_benchmark does not use {option}: {reason}"))


def check_patches(request: pytest.FixtureRequest) -> None:
    """Fail where `monkeypatch` has changed something that fresh interpreters will not have."""
    patch = request.node.funcargs.get("monkeypatch")
    names = [
        f"{getattr(target, '__name__', type(target).__name__)}.{name}"
        for target, name, _ in getattr(patch, "_setattr", ())
    ] + [
        f"[{name!r}]"
        for mapping, name, _ in getattr(patch, "_setitem", ())
        if mapping is not os.environ
    ]
    if names:
        pytest.fail(
            f"monkeypatch has changed {', '.join(names)} in this process only, and mp_benchmark "
            "measures in fresh interpreters; give the value to the function as an argument or in "
            "an environment variable (monkeypatch.setenv and chdir do reach it)",
            pytrace=False,
        )


def _label(value: object) -> str:
    """Return a value as text that is the same in every session."""
    is_plain = value is None or isinstance(value, (bool, int, float, str))
    return repr(value) if is_plain else type(value).__name__


def call_name(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, str]:
    """Return the parameters under which a call is recorded: its target and arguments."""
    while isinstance(function, functools.partial):
        args = (*function.args, *args)
        kwargs = {**function.keywords, **kwargs}
        function = function.func
    name = getattr(function, "__qualname__", type(function).__qualname__)
    arguments = [_label(value) for value in args]
    arguments += [f"{key}={_label(value)}" for key, value in kwargs.items()]
    target = {"target": f"{getattr(function, '__module__', None) or 'builtins'}:{name}"}
    return {**target, "arguments": ", ".join(arguments)} if arguments else target


def pickled_call(function: Callable[..., Any], *more: Any) -> bytes:
    """Return a function with its arguments, set-up and teardown, or fail with what to do."""
    try:
        return pickle.dumps((function, *more))
    except _UNPICKLABLE as error:
        reason = str(error)
    name = getattr(function, "__qualname__", None) or repr(function)
    pytest.fail(
        f"mp_benchmark cannot send {name} to a fresh interpreter: {reason}; give it a function at "
        "the top level of a module, no lambda and no closure, and arguments that can be pickled "
        "(or make them in `mp_benchmark.pedantic(..., setup=...)`)",
        pytrace=False,
    )
