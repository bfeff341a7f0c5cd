"""Tasks of growing length in large chunks."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    counts = [one * one * 150 for one in range(48)]
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(work, counts, 12)))
