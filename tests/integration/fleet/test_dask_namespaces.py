"""Dask workers in network namespaces of their own: as far apart as one machine allows."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from clusters import RUN, Cluster, fleet, held_campaign, repetitions_in, statuses, wait_for

from mpbench.model import Status
from mpbench.store.writer import read

pytest.importorskip("distributed")

pytestmark = pytest.mark.slow

_NETWORK = "10.213.77"
_HOSTS = tuple(f"{_NETWORK}.{number}" for number in (2, 3, 4, 5))


def ip(*words: str, check: bool = True) -> None:
    """Change the network; what the system does not allow skips the test, with its reason."""
    program = shutil.which("ip")
    if program is None:
        pytest.skip("`ip` makes the namespaces")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        pytest.skip(f"`ip {' '.join(words)}` is refused: {done.stderr.strip()}")


class Namespaces:
    """One for each host, all on one bridge."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def of(self, host: str) -> str:
        """Return the name of a host's namespace."""
        return f"mpb{self._mark}n{_HOSTS.index(host)}"

    def cable(self, host: str) -> str:
        """Return the bridge's end of a host's cable."""
        return f"mpb{self._mark}h{_HOSTS.index(host)}"

    def cut(self, host: str) -> None:
        """Pull the cable of a host."""
        ip("link", "set", self.cable(host), "down")


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    """Return a network namespace for each host, all on one bridge."""
    mark = f"{os.getpid():x}"[-6:]
    bridge = f"mpb{mark}"
    made = Namespaces(mark)
    with ExitStack() as stack:
        stack.callback(ip, "link", "del", bridge, check=False)
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", f"{_NETWORK}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for number, host in enumerate(_HOSTS):
            name, here, there = made.of(host), made.cable(host), f"mpb{mark}p{number}"
            stack.callback(ip, "link", "del", here, check=False)
            stack.callback(ip, "netns", "del", name, check=False)
            ip("netns", "add", name)
            ip("link", "add", here, "type", "veth", "peer", "name", there)
            ip("link", "set", there, "netns", name)
            ip("link", "set", here, "master", bridge, "up")
            for words in (
                f"addr add {host}/24 dev {there}",
                f"link set {there} up",
                "link set lo up",
            ):
                ip("netns", "exec", name, "ip", *words.split())
        yield made


@pytest.fixture
def cluster(tmp_path: Path, namespaces: Namespaces) -> Iterator[Cluster]:
    """Return a scheduler on the bridge; each worker gets its host's namespace."""
    cluster = Cluster(
        tmp_path,
        host=f"{_NETWORK}.1",
        inside=lambda host: ("ip", "netns", "exec", namespaces.of(host)),
    )
    yield cluster
    cluster.close()


def test_a_campaign_over_namespaces(
    cluster: Cluster, namespaces: Namespaces, tmp_path: Path
) -> None:
    """One worker is killed, one loses its network, one is added: each has the right status."""
    out = tmp_path / "out"
    killed, cut, added = _HOSTS[:3]
    worker = cluster.worker(killed)
    controller, held = held_campaign(cluster, out, killed, patience="5s")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    cluster.release(held)
    cluster.worker(cut)
    held = cluster.hold(cut)
    controller.waits_for(lambda: repetitions_in(out, cut) >= 2)
    cluster.worker(added)
    controller.waits_for(lambda: f"{added}: measuring on" in controller.said())
    namespaces.cut(cut)
    cluster.release(held)
    code = controller.end()
    runs = {host: read(out / host) for host in (killed, cut, added)}
    ends = {host: run.end.status for host, run in runs.items() if run.end is not None}

    assert 1 == code, controller.said()
    assert {killed: "lost", cut: "lost", added: "ok"} == statuses(out)
    assert {killed: Status.LOST, cut: Status.LOST, added: Status.OK} == ends
    assert 20 == len(runs[added].repetitions)


def test_unlike_workers_over_namespaces(cluster: Cluster, tmp_path: Path) -> None:
    """Without mpbench, of another version, slow, killed: each is told apart, and no other dies."""
    out = tmp_path / "out"
    bare, other, slow, killed = _HOSTS
    dying = cluster.worker(killed)
    controller, held = held_campaign(cluster, out, killed, patience="3s")
    living = [
        cluster.worker(bare, version=None),
        cluster.worker(other, version="0.0.9"),
        cluster.worker(slow),
    ]
    controller.waits_for(lambda: f"{slow}: measuring on" in controller.said())
    dying.send_signal(signal.SIGKILL)
    dying.wait()
    cluster.release(held)
    held = cluster.hold(slow)
    # Longer than the patience: it is slow, and its worker lives.
    time.sleep(5)
    waited = controller.process.poll() is None
    cluster.release(held)
    code = controller.end()

    assert waited, controller.said()
    assert 1 == code, controller.said()
    assert {bare: "failed", other: "failed", slow: "ok", killed: "lost"} == statuses(out)
    assert 20 == len(read(out / slow).repetitions)
    assert [None] * 3 == [worker.poll() for worker in living]


def test_a_killed_controller_frees_namespaces(cluster: Cluster, tmp_path: Path) -> None:
    """Nobody renews the lease: the host ends its run within 30 s, and its worker lives on."""
    out = tmp_path / "out"
    host = _HOSTS[0]
    worker = cluster.worker(host)
    endless = ("--", *RUN[:4], "--reps", "5000", "--budget", "60m")
    controller = fleet(cluster.address, out, "-o", str(out), *endless)
    controller.waits_for(lambda: repetitions_in(out, host) >= 2)
    controller.process.kill()
    controller.end()
    began = time.monotonic()
    wait_for(lambda: not cluster.runs_on(host))
    print(f"free after {time.monotonic() - began:.1f} s")

    assert worker.poll() is None
