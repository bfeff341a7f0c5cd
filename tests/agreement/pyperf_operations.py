"""The same operations as pyperf times them: a script for its runner."""

from __future__ import annotations

import sys

import pyperf
from operations import OPERATIONS

if __name__ == "__main__":
    runner = pyperf.Runner(add_cmdline_args=lambda command, _: command.append(sys.argv[-1]))
    runner.argparser.add_argument("operation", choices=list(OPERATIONS))
    chosen = runner.parse_args().operation
    runner.bench_time_func(chosen, OPERATIONS[chosen])
