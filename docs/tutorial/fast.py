"""Score documents by the weights of their words; each worker gets the weights once."""

from __future__ import annotations

import multiprocessing
import random

WORDS = 50_000
DOCUMENTS = 200


_weights: dict[int, float] = {}


def keep(weights: dict[int, float]) -> None:
    """Keep the weights in this worker."""
    _weights.update(weights)


def score(document: list[int]) -> float:
    """Return the sum of the weights of a document's words."""
    return sum(_weights[word] for word in document)


def main() -> None:
    """Make documents and print the sum of their scores."""
    draw = random.Random(1)
    weights = {word: draw.random() for word in range(WORDS)}
    documents = [[draw.randrange(WORDS) for _ in range(2_000)] for _ in range(DOCUMENTS)]
    with multiprocessing.Pool(2, keep, (weights,)) as pool:
        scores = pool.map(score, documents, chunksize=10)
    print(f"{sum(scores):.3f}")


if __name__ == "__main__":
    main()
