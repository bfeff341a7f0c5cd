"""CPU-bound tasks in a pool of eight workers."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    with multiprocessing.Pool(8) as pool:
        print(sum(pool.map(work, [20_000] * 240)))
