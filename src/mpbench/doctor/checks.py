"""All checks of a machine's fitness to measure on, with reason and remedy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mpbench.doctor.finding import Evidence, Finding
from mpbench.doctor.limit_checks import LIMIT_CHECKS
from mpbench.doctor.load_checks import MOMENT_CHECKS
from mpbench.doctor.machine_checks import MACHINE_CHECKS
from mpbench.doctor.probes import ProbeResults, run_probes
from mpbench.environment import describe, describe_interpreter

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("WATCH_S", "check_facts", "run_checks")

# Other load is looked at for this long before a session; it must fit into a run's minute.
WATCH_S = 0.2


def check_facts(facts: Mapping[str, Any], probes: ProbeResults) -> tuple[Finding, ...]:
    """
    Judge what is known about a machine; one finding for each check, good or bad.

    Args:
        facts: The environment record, with `interpreter` added to it.
        probes: What the experiments showed.
    """
    evidence = Evidence(facts, probes)
    return tuple(check(evidence) for check in (*MOMENT_CHECKS, *LIMIT_CHECKS, *MACHINE_CHECKS))


def run_checks(
    *,
    seconds: float = 1.0,
    machine: Mapping[str, Any] | None = None,
    interpreter: Mapping[str, Any] | None = None,
) -> tuple[Finding, ...]:
    """
    Look at this machine and return what was found.

    Args:
        seconds: How long other load is watched.
        machine: The environment record, where it is known already.
        interpreter: The description of the interpreter that will be measured.

    Raises:
        EnvironmentUnfitError: The interpreter does not describe itself.
    """
    facts = dict(describe() if machine is None else machine)
    facts["interpreter"] = interpreter or describe_interpreter(sys.executable)
    return check_facts(facts, run_probes(seconds=seconds))
