"""Tasks in an executor of one worker."""

from concurrent.futures import ProcessPoolExecutor


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    with ProcessPoolExecutor(1) as executor:
        print(sum(executor.map(work, [20_000] * 150)))
