"""Squares in a pool, each task sent alone: the program of the README's `mpbench tune`."""

from __future__ import annotations

import multiprocessing


def square(number: int) -> int:
    """Return a number times itself."""
    return number * number


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(square, range(8_000), chunksize=1)))
