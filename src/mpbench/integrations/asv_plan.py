"""Number of cases of an asv run, and the time that they take."""

from __future__ import annotations

import argparse
import itertools
import math
import re
from typing import TYPE_CHECKING

from asv.console import log

from mpbench.catalog import discover
from mpbench.integrations.asv import AGENTS_IN_A_ROUND, ROUNDS
from mpbench.model import StartMethod
from mpbench.printable import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ("announce", "cases_of", "estimate_s")

# Measured on the machine of EVIDENCE.md: a process of asv, an agent, and a case in it.
_PROCESS_S, _AGENT_S, _CASE_S = 0.4, 0.25, 0.1

Params = dict[str, list[object]]


def _full() -> dict[str, Params]:
    """Return every workload with the values of its tier."""
    every: dict[str, Params] = {}
    for name, workload in discover().items():
        params = every[name] = {}
        if workload.by_method:
            params["method"] = [method.value for method in StartMethod]
        for key, sweep in workload.parameters.items():
            params[key] = list(sweep.resolve(workload.tier, 2))
    return every


def _asv_name(workload: str) -> str:
    family = workload.partition("/")[0]
    words = re.split("[/-]", workload)
    return f"{family}.{''.join(word.capitalize() for word in words)}.mp_seconds"


def cases_of(
    selection: Mapping[str, Params], patterns: Sequence[str]
) -> dict[str, list[tuple[object, ...]]]:
    """
    Return the combinations of parameters that asv will measure, by workload.

    Args:
        selection: Workloads, and their parameters with all values.
        patterns: What `--bench` names: regular expressions, of which one must match.
    """
    chosen = {}
    for workload, params in selection.items():
        name = _asv_name(workload)
        rows = [
            row
            for row in itertools.product(*params.values())
            if not patterns
            or any(
                re.search(pattern, f"{name}({', '.join(map(repr, row))})" if row else name)
                for pattern in patterns
            )
        ]
        if rows:
            chosen[workload] = rows
    return chosen


def estimate_s(
    cases: Mapping[str, Sequence[tuple[object, ...]]], *, rounds: int, agents: int
) -> float:
    """Return the seconds for one commit and environment; agents are shared by start method."""
    methods = {method.value for method in StartMethod}
    groups = {
        (workload, row[0] if row and row[0] in methods else None)
        for workload, rows in cases.items()
        for row in rows
    }
    count = sum(len(rows) for rows in cases.values())
    in_agents = agents * (len(groups) * _AGENT_S + count * _CASE_S)
    return rounds * (count * _PROCESS_S + in_agents)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("command", nargs="?")
    parser.add_argument("--bench", "-b", action="append", default=[])
    parser.add_argument("--attribute", "-a", action="append", default=[])
    parser.add_argument("--quick", "-q", action="store_true")
    return parser.parse_known_args(arguments)[0]


def announce(core: Mapping[str, Params], arguments: Sequence[str], *, full: bool) -> None:
    """
    Have asv print how many cases it is about to measure, and about how long that takes.

    Args:
        core: The core selection: workloads, and their parameters with all values.
        arguments: asv's command line, without the program.
        full: Whether everything is measured.
    """
    options = _options(arguments)
    if options.command not in {"run", "continuous"}:
        return
    cases = cases_of(_full() if full else core, options.bench)
    attributes = dict(text.partition("=")[::2] for text in options.attribute)
    rounds, agents = int(attributes.get("rounds", ROUNDS)), AGENTS_IN_A_ROUND
    agents = int(attributes.get("repeat", agents))
    if options.quick:
        rounds, agents = 1, 1
    minutes = math.ceil(estimate_s(cases, rounds=rounds, agents=agents) / 60)
    log.info(
        f"mpbench: {counted(sum(map(len, cases.values())), 'case')} of "
        f"{counted(len(cases), 'workload')} "
        f"({'all' if full else 'core selection; all with MPBENCH_ASV=full'}), "
        f"{rounds} x {counted(agents, 'fresh agent')} each: about {minutes} min for each commit "
        "and environment, and the time to build them"
    )
