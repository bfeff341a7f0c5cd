"""CPU-bound tasks in a pool of one worker."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    with multiprocessing.Pool(1) as pool:
        print(sum(pool.map(work, [40_000] * 80)))
