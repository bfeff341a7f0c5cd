"""Difference between two profiles: what took longer, and which causes came and went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpbench.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("difference_of", "read_profile")

SCHEMA = 1
_MOST_BYTES = 256 << 20
# A figure's name, its unit, and where it stands in profile.json.
_FIGURES = (
    ("wall-clock time", "ns", ("wall_ns",)),
    ("CPU time of all processes", "ns", ("cpu", "accounted_ns")),
    ("parallel efficiency", "share", ("efficiency",)),
    ("workers at once", "count", ("workers",)),
    ("peak memory (RSS)", "bytes", ("peak_rss_bytes",)),
    ("own code of workers", "ns", ("time", "own_code_ns")),
    ("workers waiting", "ns", ("time", "waiting_ns")),
    ("workers moving data", "ns", ("time", "moving_ns")),
    ("workers starting and exiting", "ns", ("time", "starting_ns")),
    ("profiler in workers", "ns", ("time", "profiler_ns")),
    ("tasks", "count", ("tasks", "calls")),
    ("a typical task", "ns", ("tasks", "call_ns")),
    ("the longest chunk", "ns", ("tasks", "longest_ns")),
    ("idle after the last task", "ns", ("tasks", "idle_tail_ns")),
    ("messages followed", "count", ("messages", "count")),
    ("bytes of messages", "bytes", ("messages", "bytes")),
    ("put to got, median", "ns", ("messages", "median_ns")),
)


def read_profile(path: Path) -> dict[str, Any]:
    """
    Return what a profile's JSON file holds.

    Args:
        path: The file, or the folder that `mpbench profile` wrote.

    Raises:
        RecordError: It is not there, or no profile.
    """
    file = path / "profile.json" if path.is_dir() else path
    expected = "a profile that mpbench profile wrote"
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise RecordError(str(file), 0, f"at most {_MOST_BYTES >> 20} MiB", "more")
        record = json.loads(file.read_bytes())
    except OSError as error:
        raise RecordError(str(file), 0, expected, error.strerror or "nothing") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(str(file), 0, expected, "no JSON") from error
    if not isinstance(record, dict) or not isinstance(record.get("losses"), list):
        raise RecordError(str(file), 0, expected, "other JSON")
    if record.get("schema") != SCHEMA:
        raise RecordError(str(file), 0, f"schema {SCHEMA}", f"{record.get('schema')!r}")
    return record


def _figure(record: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    """Return a number of a record; None where this program has none."""
    value: Any = record
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else None


def _figures(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, unit, path in _FIGURES:
        one, other = _figure(before, path), _figure(after, path)
        if one is None and other is None:
            continue
        ratio = other / one if one and other is not None else None
        yield {"name": name, "unit": unit, "before": one, "after": other, "ratio": ratio}


def _causes(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the losses by their rule, or by the state in which the time went."""
    return {
        str(loss.get("rule") or loss.get("key")): loss
        for loss in record["losses"]
        if isinstance(loss, dict)
    }


def _lost(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    one, other = _causes(before), _causes(after)
    for cause in {**one, **other}:
        sides = [side.get(cause) for side in (one, other)]
        shares = [None if side is None else side.get("share") for side in sides]
        yield {
            "cause": cause,
            "before": shares[0],
            "after": shares[1],
            "text": next(str(side["text"]) for side in reversed(sides) if side is not None),
        }


def _sentence(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    one, other = _figure(before, ("wall_ns",)), _figure(after, ("wall_ns",))
    if not one or not other:
        return "how long the programs ran is not known"
    if round(other / one, 2) == 1:
        return "the second run took as long as the first"
    slower = other > one
    times = other / one if slower else one / other
    return f"the second run was {times:.3g} times {'slower' if slower else 'faster'}"


def difference_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the difference of two profiles, as JSON-able values.

    Null is not known, or not there. One run of each says nothing about chance.

    Args:
        before: What `read_profile` returned for the first.
        after: For the second.
    """
    commands = [" ".join(map(str, one.get("command") or ())) for one in (before, after)]
    return {
        "schema": SCHEMA,
        "before": commands[0],
        "after": commands[1],
        "sentence": _sentence(before, after),
        "figures": list(_figures(before, after)),
        "losses": sorted(
            _lost(before, after),
            key=lambda one: -max(one["before"] or 0.0, one["after"] or 0.0),
        ),
        "caution": "one run of each: chance is a part of every difference; mpbench compare has "
        "verdicts with stated error rates",
    }
