"""Score documents by the weights of their words, with a pool."""

from __future__ import annotations

import multiprocessing
import random

WORDS = 50_000
DOCUMENTS = 200


def score(weights: dict[int, float], document: list[int]) -> float:
    """Return the sum of the weights of a document's words."""
    return sum(weights[word] for word in document)


def main() -> None:
    """Make documents and print the sum of their scores."""
    draw = random.Random(1)
    weights = {word: draw.random() for word in range(WORDS)}
    documents = [[draw.randrange(WORDS) for _ in range(2_000)] for _ in range(DOCUMENTS)]
    with multiprocessing.Pool(2) as pool:
        scores = pool.starmap(score, [(weights, one) for one in documents], chunksize=1)
    print(f"{sum(scores):.3f}")


if __name__ == "__main__":
    main()
