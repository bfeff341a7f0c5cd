"""Programs do the same under the profiler: streams, exit code, files, processes that remain."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "agreement"))

from unchanged import differences, programs

PROGRAMS = {one.name: one for one in programs()}
SLOW = [name for name, one in PROGRAMS.items() if not one.quick]


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in SLOW])
def test_a_program_does_the_same(name):
    """Its tracebacks name no file of ours."""
    assert [] == differences(PROGRAMS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_longer_list_of_programs_does_the_same(name):
    """Also where it ends itself by force, or leaves somebody behind."""
    assert [] == differences(PROGRAMS[name])
