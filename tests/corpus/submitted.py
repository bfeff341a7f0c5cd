"""Tasks submitted to an executor, awaited as they end."""

from concurrent.futures import ProcessPoolExecutor, as_completed


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as executor:
        futures = [executor.submit(work, 30_000) for _ in range(120)]
        print(sum(one.result() for one in as_completed(futures)))
