"""Requests of the controller, and the agent's answers."""

from __future__ import annotations

import importlib
import multiprocessing
import multiprocessing.context
import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Callable, cast

from mpbench.agent.calibrate import iterations_for
from mpbench.agent.leaks import OpenResources, leaked_since, open_resources
from mpbench.agent.protocol import Channel, sample_to_wire
from mpbench.agent.sample import pause_gc, take_sample, unfreeze_gc
from mpbench.agent.slowdown import injected_slowdown
from mpbench.catalog import find
from mpbench.clock import monotonic_ns
from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.model import Case, StartMethod
from mpbench.workload import Body, BodyFactory, Workload

__all__ = ("Agent", "serve")


def _context(method: StartMethod | None) -> multiprocessing.context.BaseContext:
    """Return the context of a start method, or the platform's first where none matters."""
    available = multiprocessing.get_all_start_methods()
    name = available[0] if method is None else method.value
    if name not in available:
        raise UnsupportedError(f"this interpreter has no start method {name!r}, only {available}")
    return multiprocessing.get_context(name)


def _not_installed(found: Workload) -> str | None:
    """Say which package a workload of another library lacks in this interpreter, if one."""
    if not found.requires:
        return None
    # Not at the top: only the workloads of other libraries need it.
    from importlib.util import find_spec  # noqa: PLC0415

    missing = [name for name in found.requires if find_spec(name) is None]
    return f"not installed in this interpreter: {', '.join(missing)}" if missing else None


class Agent:
    """One workload's set-up at a time, and the requests that concern it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._workload: Workload | None = None
        self._method: StartMethod | None = None
        self._yielded: Any = None
        self._before = OpenResources()

    def _case(self, params: Mapping[str, Any]) -> Case:
        assert self._workload is not None
        return Case.make(self._workload.name, self._method, params)

    def open(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Enter the set-up of a workload."""
        if request.get("cpu") is not None:
            # Before the set-up, so that everything that it starts inherits the place.
            os.sched_setaffinity(0, {request["cpu"]})
        self._workload = found = find(request["module"], request["workload"])
        method = request["method"]
        self._method = None if method is None else StartMethod(method)
        case = self._case(request["params"])
        reason = _not_installed(found) or found.unsupported(case)
        if reason is not None:
            raise UnsupportedError(reason)
        context = _context(self._method)
        if request.get("trace"):
            from mpbench.agent.call_trace import CallTracer  # noqa: PLC0415 - verification only

            CallTracer(request["trace"]).start()
        for name in found.requires:
            # What another library makes when it is imported is no leak of the workload.
            importlib.import_module(name)
        self._before = open_resources()
        if request.get("inject"):
            self._stack.enter_context(injected_slowdown(*request["inject"]))
        started = monotonic_ns()
        self._yielded = self._stack.enter_context(found.set_up(context, case))
        return {"elapsed_ns": monotonic_ns() - started}

    def _body(self, params: Mapping[str, Any]) -> Body:
        if self._workload is None:
            raise WorkloadError("no workload is open")
        if self._workload.body_params:
            case = self._case(params)
            # The set-up was entered for another case, which may be one that can run here.
            reason = self._workload.unsupported(case)
            if reason is not None:
                raise UnsupportedError(reason)
            return cast("BodyFactory", self._yielded)(case)
        return cast("Body", self._yielded)

    def measure(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Calibrate if asked, warm up, and take samples."""
        body = self._body(request["params"])
        assert self._workload is not None
        samples: list[dict[str, Any]] = []
        with pause_gc():
            iterations = request["iterations"]
            if iterations is None:
                iterations = iterations_for(
                    self._workload.timing, body, clock=monotonic_ns, sample_ns=request["sample_ns"]
                )
            for _ in range(request["warmups"]):
                take_sample(body, iterations, monotonic_ns)
            for _ in range(request["samples"]):
                sample, wall = take_sample(body, iterations, monotonic_ns)
                samples.append(sample_to_wire(sample))
                samples[-1]["wall_ns"] = wall
        return {"iterations": iterations, "samples": samples}

    def verify(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run the body once, untimed, and return what it did."""
        body = self._body(request["params"])
        assert self._workload is not None
        iterations = 20 if self._workload.timing.value == "window" else request.get("iterations", 1)
        sample, _ = take_sample(body, iterations, monotonic_ns)
        return {"sample": sample_to_wire(sample)}

    def close(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Leave the set-up and look at what the workload left behind."""
        del request
        started = monotonic_ns()
        stack, self._stack = self._stack, ExitStack()
        self._workload = self._yielded = None
        unfreeze_gc()
        stack.close()
        return {"elapsed_ns": monotonic_ns() - started, "left": leaked_since(self._before)}


def _trace(error: BaseException) -> str:
    """
    Return where an error came from, the innermost call last, and what caused it.

    Not by `traceback`: from Python 3.13 on it brings `dataclasses` and `inspect` with it, which
    every later child of this agent would be copied with, and no error path may open a file
    (descriptors may be what was used up).
    """
    lines = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        lines.append(f"{_trace(cause)}\nled to:")
    frame = error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        lines.append(f'File "{code.co_filename}", line {frame.tb_lineno}, in {code.co_name}')
        frame = frame.tb_next
    return "\n".join([*lines, f"{type(error).__name__}: {error}"])


def _failure(error: BaseException) -> dict[str, Any]:
    """Describe an error for the record."""
    if isinstance(error, WorkloadError):
        return {"ok": False, "status": error.status, "reason": str(error)}
    return {
        "ok": False,
        "status": "failed",
        "reason": f"{type(error).__name__}: {error}",
        "trace": _trace(error)[-4_000:],
    }


def serve(channel: Channel) -> None:
    """
    Answer requests until the controller says `end` or goes away.

    Every error of a workload becomes an answer; nothing else can: the agent
    exists to say what happened.
    """
    agent = Agent()
    owner = os.getpid()
    actions: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "open": agent.open,
        "measure": agent.measure,
        "verify": agent.verify,
        "close": agent.close,
    }
    while True:
        try:
            request = channel.receive()
        except EOFError:
            return
        if request["do"] == "end":
            return
        try:
            reply: dict[str, Any] = {"ok": True, **actions[request["do"]](request)}
        except Exception as error:  # noqa: BLE001 - recorded: it becomes the case's reason
            reply = _failure(error)
        if os.getpid() != owner:
            # A workload let a forked child return into this loop; it must not answer.
            os._exit(70)
        channel.send(reply)
