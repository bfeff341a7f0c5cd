"""Half of the work before the pool, alone."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    before = work(2_500_000)
    with multiprocessing.Pool(2) as pool:
        print(before + sum(pool.map(work, [40_000] * 60)))
