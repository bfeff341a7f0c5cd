"""A floor is a floor: no case of a run of tier full is cheaper than its own."""

from __future__ import annotations

import os

import pytest

from mpbench.analysis.summarize import summarize
from mpbench.store.reader import read

pytestmark = pytest.mark.slow

# Below this a case is cheaper than its floor, and not only as cheap.
LEAST = 0.98


@pytest.mark.skipif(
    "MPBENCH_FULL_RUN" not in os.environ, reason="MPBENCH_FULL_RUN names a run of tier full"
)
def test_nothing_is_cheaper_than_its_floor() -> None:
    """The whole interval of the ratio would have to lie below 0.98."""
    table = summarize([read(os.environ["MPBENCH_FULL_RUN"])])
    compared = table[table["floor_ratio"].notna()]
    cheaper = compared[compared["floor_ratio_high"].fillna(compared["floor_ratio"]) < LEAST]

    assert len(compared)
    assert [] == sorted(
        f"{row.id}: {row.floor_ratio:.2f} of {row.floor}" for row in cheaper.itertuples()
    )
