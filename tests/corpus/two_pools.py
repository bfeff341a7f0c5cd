"""A pool for each of two steps."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        first = pool.map(work, [20_000] * 60)
    with multiprocessing.Pool(2) as pool:
        print(sum(first) + sum(pool.map(work, [30_000] * 60)))
