"""One long task among short ones, started last."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    counts = [[20_000]] * 60 + [[1_600_000]]
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.starmap(work, counts)))
