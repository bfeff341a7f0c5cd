"""Reading the durations of the calls in a worker's chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mpbench.profiling.hook.call_times import HEADER_WORDS, MAX_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ("read_call_times",)


def read_call_times(path: Path) -> Mapping[int, tuple[int, ...]]:
    """
    Return the durations of the calls of each chunk, in nanoseconds, by the chunk's beginning.

    Args:
        path: The file of one process; there is none without chunks of several calls.
    """
    try:
        words = np.fromfile(path, np.uint64, MAX_WORDS)
    except OSError:
        return {}
    found: dict[int, tuple[int, ...]] = {}
    at = 0
    while at + HEADER_WORDS < len(words) and words[at + 1]:
        begin, end = at + HEADER_WORDS, at + HEADER_WORDS + int(words[at + 1])
        if end > len(words):
            break
        found[int(words[at])] = tuple(words[begin:end].tolist())
        at = end
    return found
