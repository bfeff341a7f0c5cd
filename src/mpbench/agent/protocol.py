"""
Messages between controller and agent: one JSON object a line.

Requests (all but `end` are answered by one line with `ok` true or false):

* `open`: module, workload, method, params, and `cases` (a list of params)
  where one set-up serves several; enters the set-up. With `trace`, a path,
  the names of all calls into multiprocessing are written there. With
  `inject`, a function of the standard library and a number of passes, that
  function is slowed down: a known slowdown that is to be found. With `cpu`, the
  agent and everything that it starts from then on may use that CPU alone.
* `measure`: params, iterations (or null to calibrate), sample_ns, samples,
  warmups; returns iterations and samples.
* `close`: leaves the set-up; returns what the workload left behind.
* `verify`: params; runs the body once without timing; returns what it called.
* `end`: the agent exits.

A failed request carries `status`, `reason` and, for our own bugs, `trace`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from mpbench.errors import AgentError
from mpbench.model import Sample, WorkerCount

__all__ = ("Channel", "sample_from_wire", "sample_to_wire")

# A reply of one case holds at most some thousand latencies; a longer line means
# that the channel is broken (a workload wrote into it).
MAX_LINE = 64 << 20


def sample_to_wire(sample: Sample) -> dict[str, Any]:
    """Return a sample as JSON-able values; empty fields are left out."""
    wire: dict[str, Any] = {"elapsed_ns": sample.elapsed_ns, "operations": sample.operations}
    if sample.facts:
        wire["facts"] = dict(sample.facts)
    if sample.latencies_ns:
        wire["latencies_ns"] = list(sample.latencies_ns)
    if sample.workers:
        wire["workers"] = [list(reading) for reading in sample.workers]
    return wire


def sample_from_wire(wire: Mapping[str, Any]) -> Sample:
    """Return the sample that `sample_to_wire` wrote."""
    return Sample(
        elapsed_ns=wire["elapsed_ns"],
        operations=wire["operations"],
        facts=wire.get("facts", {}),
        latencies_ns=tuple(wire.get("latencies_ns", ())),
        workers=tuple(WorkerCount(*reading) for reading in wire.get("workers", ())),
    )


class Channel:
    """
    Lines of JSON over a pair of raw descriptors.

    Raw descriptors and not file objects: a forked child inherits no buffer
    that it could flush a second time.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self.reader = reader
        self.writer = writer
        self._rest = b""

    def send(self, message: Mapping[str, Any]) -> None:
        """Write one message."""
        line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        view = memoryview(line)
        while view:
            view = view[os.write(self.writer, view) :]

    def receive(self) -> dict[str, Any]:
        """
        Read one message.

        Raises:
            EOFError: The other side is gone.
            AgentError: What arrived is no message.
        """
        pieces: list[bytes] = [self._rest]
        size = len(self._rest)
        while b"\n" not in pieces[-1]:
            piece = os.read(self.reader, 1 << 16)
            if not piece:
                raise EOFError("the other side closed the channel")
            pieces.append(piece)
            size += len(piece)
            if size > MAX_LINE:
                raise AgentError(
                    f"a message is longer than {MAX_LINE} bytes; the channel is broken"
                )
        line, _, self._rest = b"".join(pieces).partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError as error:
            raise AgentError(f"expected a JSON line from the agent, found {line[:80]!r}") from error
        if not isinstance(message, dict):
            raise AgentError(f"expected a JSON object from the agent, found {line[:80]!r}")
        return message

    def close(self) -> None:
        """Close both descriptors."""
        for descriptor in {self.reader, self.writer}:
            os.close(descriptor)
