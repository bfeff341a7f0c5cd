"""
What gathering from many hosts costs the controller.

The hosts are simulated: each streams the lines of one recorded run, and some
messages are lost, damaged or doubled, some hosts die. Everything from there
on is the code that a real fleet uses.

    python tests/agreement/fleet_scale.py [HOSTS] [REPETITIONS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "fleet"))

from simulated import Simulated, recorded

from mpbench.fleet.campaign import FleetCampaign, Settings, save


def main() -> None:
    """Gather, and print what it took."""
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = recorded(folder / "recorded", repetitions)
        names = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(hosts)]
        cluster = Simulated(names, content, step=len(content) // 10)
        settings = Settings("c0ffee", (), silence_timeout_s=0.0)
        campaign = FleetCampaign(cluster, settings, folder / "out")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        steps = 1
        while campaign.step():
            steps += 1
            if steps == 5:
                for address in list(cluster.alive)[::100]:
                    del cluster.alive[address]
        outcomes = campaign.outcomes()
        save(folder / "out", settings, outcomes)
        wall, used = time.perf_counter() - started, time.process_time() - cpu
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wrong = [
            one
            for one in outcomes
            if one.status.value == "ok" and (one.folder / "results.jsonl").read_bytes() != content
        ]
    print(f"{hosts:,} hosts, each a file of {len(content):,} bytes; {steps} looks")
    print(
        ", ".join(
            f"{count:,} {one.value}"
            for one, count in Counter(outcome.status for outcome in outcomes).items()
        )
    )
    print(f"files that differ from what their host wrote: {len(wrong)}")
    print(f"{wall:.1f} s wall, {used:.1f} s CPU, {used / hosts * 1e3:.1f} ms CPU for each host")
    print(f"memory before {before / 1024:.0f} MiB, peak {after / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
