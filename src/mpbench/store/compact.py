"""Sequences of integers in eight bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

__all__ = ("CompactIntegers", "compacted")

# A shorter one is smaller as a tuple.
_FEW = 16


class CompactIntegers(Sequence[int]):
    """
    Integers of 64 bits that cannot change; equal to a tuple of the same.

    A file may hold millions of single operations, for which Python's own integers take five
    times the memory.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Sequence[int]) -> None:
        self._values = array("q", values)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        found = self._values[place]
        return found if isinstance(found, int) else CompactIntegers(found)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CompactIntegers):
            return self._values == other._values
        return tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        values = np.frombuffer(self._values, dtype=np.int64)
        made = values.astype(np.int64 if dtype is None else dtype, copy=bool(copy))
        made.flags.writeable = False
        return made


def compacted(values: Sequence[int]) -> Sequence[int]:
    """Return integers in little memory; those beyond 64 bits stay as they are."""
    if len(values) < _FEW:
        return tuple(values)
    try:
        return CompactIntegers(values)
    except OverflowError:
        return tuple(values)
