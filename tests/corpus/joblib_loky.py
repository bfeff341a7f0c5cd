"""Tasks in loky's workers, by joblib."""

from joblib import Parallel, delayed


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


if __name__ == "__main__":
    print(sum(Parallel(n_jobs=2)(delayed(work)(40_000) for _ in range(80))))
