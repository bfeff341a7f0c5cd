"""Workloads below 1 us execute the instructions of their statement, within 5 %."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent / "instruction_twins.py"
TOLERANCE = 0.05


def instructions(folder: Path) -> list[int]:
    """Return what each dump counted, in their order."""
    dumps = {}
    for path in folder.glob("callgrind.out.*"):
        number = path.name.split(".")[3:]
        total = re.search(r"^totals: (\d+)", path.read_text(), re.MULTILINE)
        assert total is not None
        dumps[int(number[0]) if number else sys.maxsize] = int(total[1])
    return [dumps[number] for number in sorted(dumps)]


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind counts the instructions")
def test_a_body_costs_what_its_statement_costs(tmp_path: Path) -> None:
    """Neither the loop nor a check of each answer is inside the timed region."""
    valgrind = ("valgrind", "--tool=callgrind", "--dump-before=getppid", "--quiet")
    done = subprocess.run(
        [
            *valgrind,
            f"--callgrind-out-file={tmp_path}/callgrind.out.%p",
            sys.executable,
            str(SCRIPT),
        ],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    names = done.stdout.splitlines()
    counts = instructions(tmp_path)
    # Four dumps for each case: what came before, the body, twice the body, the twin.
    assert 4 * len(names) + 1 == len(counts)
    distances: dict[str, list[float]] = {}
    for place, name in enumerate(names):
        once, twice, twin = counts[4 * place + 1 : 4 * place + 4]
        distances.setdefault(name, []).append(round(abs((twice - once) / twin - 1), 3))
    apart = {name: found for name, found in distances.items() if min(found) > TOLERANCE}

    assert {} == apart
