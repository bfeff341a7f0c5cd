"""A new pool for each of ten steps."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    total = 0
    for _ in range(10):
        with multiprocessing.Pool(2) as pool:
            total += sum(pool.map(work, [20_000] * 12))
    print(total)
