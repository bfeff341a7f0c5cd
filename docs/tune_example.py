"""Output of `mpbench tune` on the example, put between the marks of both README files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_MARKS = ("<!-- tune -->", "<!-- end of tune -->")


def output() -> str:
    """Return what the command prints, without the path of its files."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "mpbench", "tune", "-o", folder, "--", "squares.py"],
            cwd=ROOT / "docs" / "examples",
            env={**os.environ, "COLUMNS": "118"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.replace(folder, "reports/TIME-MACHINE-tune")


def main() -> None:
    """Run the command once and write its output into both files."""
    told = output()
    begin, end = _MARKS
    for name in ("README.md", "README.zh-CN.md"):
        path = ROOT / name
        before, rest = path.read_text().split(begin, 1)
        after = rest.split(end, 1)[1]
        path.write_text(f"{before}{begin}\n```text\n{told.strip()}\n```\n{end}{after}")
    sys.stdout.write(told)


if __name__ == "__main__":
    main()
