"""Announcement of what is about to be measured; asv.conf.json names this module as a plugin."""

import os
import sys

from ._adapter import CORE


def setup():
    """Have asv print the number of cases and the time; asv calls this when it starts."""
    try:
        from mpbench.integrations.asv_plan import announce  # noqa: PLC0415 - asv alone has asv
    except ImportError:
        # asv itself runs where mpbench is not installed.
        return
    announce(CORE, sys.argv[1:], full=os.environ.get("MPBENCH_ASV") == "full")
