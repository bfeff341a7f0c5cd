"""Workers that are spawned and import much."""

import asyncio  # noqa: F401 - imported again by each worker
import decimal
import json
import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(sum(pool.map(work, [30_000] * 40)) + len(json.dumps([str(decimal.Decimal(1))])))
