"""Names of workloads for other tools' benchmarks."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("LONGEST_NAME", "distinct_names")

LONGEST_NAME = 1_000


def _workload_name(name: str) -> str:
    """Return a name in our form, family/behaviour in kebab-case."""
    words = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in name.split("/", 1)]
    family, behaviour = words if len(words) == 2 else ("imported", words[0])  # noqa: PLR2004
    return f"{family or 'imported'}/{behaviour or 'benchmark'}"[:LONGEST_NAME]


def distinct_names(names: Iterable[str]) -> dict[str, str]:
    """Return our name of each; those that would be one name end in a digest of their own."""
    ours = {name: _workload_name(name) for name in names}
    times = Counter(ours.values())

    def told_apart(name: str) -> str:
        digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
        return f"{ours[name][: LONGEST_NAME - 9]}-{digest}"

    return {name: made if times[made] == 1 else told_apart(name) for name, made in ours.items()}
