"""A pool that replaces each worker after one task."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    with multiprocessing.Pool(2, maxtasksperchild=1) as pool:
        print(sum(pool.map(work, [40_000] * 40, 1)))
