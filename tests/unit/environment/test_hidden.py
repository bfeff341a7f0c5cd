"""Facts that a system refuses to tell, or tells in words of its own: null, and no error."""

import getpass
import json
import os
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpbench.agent import supervisor
from mpbench.doctor.probes import examine_clock, measure_load
from mpbench.environment import affinity, describe
from mpbench.environment.files import Files
from mpbench.harness.placement import pinnable_cpus
from mpbench.session.anonymise import anonymiser_of


def refuse(*_, **__):
    """Refuse as a system-call filter does."""
    raise PermissionError(1, "Operation not permitted")


@pytest.fixture
def refused(monkeypatch):
    """Refuse whatever is no file: affinity, limits, users, psutil."""
    for place, names in (
        (os, ("sched_getaffinity", "sched_setaffinity", "sysconf")),
        (psutil, ("virtual_memory", "swap_memory", "cpu_times", "cpu_freq", "cpu_count")),
        (psutil, ("getloadavg", "sensors_battery", "process_iter")),
        (getpass, ("getuser",)),
        (Path, ("home", "cwd")),
    ):
        for name in names:
            monkeypatch.setattr(place, name, refuse)


@pytest.mark.usefixtures("refused")
def test_refused_calls_are_null(tmp_path):
    """The record can be written, and nothing in it was made up."""
    record = describe(Files(tmp_path))

    assert record == json.loads(json.dumps(record))
    assert record["cpu"]["affinity"] is None
    assert record["memory"]["total_bytes"] is None
    assert affinity()
    assert () == pinnable_cpus()
    assert measure_load(0.0).busy_cpus is None
    assert examine_clock(readings=8).resolution_ns > 0
    assert "x" == anonymiser_of().text("x")


def test_without_prctl_nobody_is_adopted(monkeypatch):
    """The supervisor says so in its report instead of ending."""
    monkeypatch.setattr("ctypes.CDLL", refuse)

    assert not supervisor.become_subreaper()


class Garbage(Files):
    """A system whose files hold whatever the test gives."""

    answer = ""

    def text(self, name):
        """Return the same text for every file."""
        del name
        return self.answer

    def names(self, name):
        """Return what looks like CPUs, nodes and policies."""
        del name
        return ("cpu0", "node0", "index0", "policy0")


@given(st.text(alphabet="0123456789 -.:/=\n[]maxcpufull_some\x00\x1b", max_size=80))
def test_garbage_in_files_is_no_error(text):
    """No content of a file of the kernel ends the description."""
    system = Garbage(Path("/nowhere"))
    type(system).answer = text

    json.dumps(describe(system))
