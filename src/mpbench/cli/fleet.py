"""The command `mpbench fleet`: one run on every host of a Dask cluster."""

from __future__ import annotations

import secrets
import signal
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mpbench.cli import exit_codes
from mpbench.cli.options import Duration, Folder
from mpbench.model import Status
from mpbench.printable import printable
from mpbench.session.interrupt import ending_signals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from mpbench.fleet.campaign import FleetCampaign, HostOutcome, Settings

__all__ = ("command",)


_STEP_S = 0.5
# They name places; on a host there is only one, and files of this machine are not there.
_FORBIDDEN = ("-o", "--output", "--resume", "--workload-file", "--wait")


def _arguments(given: tuple[str, ...]) -> tuple[str, ...]:
    for word in given:
        if word.partition("=")[0] in _FORBIDDEN or (word.startswith("-o") and word != "-o"):
            raise click.UsageError(f"{word!r} cannot be passed to the runs of a fleet")
    return given


def _settings(given: dict[str, Any], name: str, arguments: tuple[str, ...]) -> Settings:
    from mpbench.fleet.campaign import Settings

    return Settings(name, arguments, given["python"], given["wait"], given["patience"])


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--scheduler", metavar="ADDRESS", help="Such as tcp://10.0.0.1:8786 or tls://...")
@click.option("--local", type=click.IntRange(1, 64), help="Try it: so many workers, here.")
@click.option(
    "-o", "--output", type=Folder(), metavar="DIR",
    help="Where to write; by default reports/TIME-fleet.",
)  # fmt: skip
@click.option("--resume", type=click.Path(path_type=Path), metavar="DIR", help="Go on with one.")
@click.option("--check", is_flag=True, help="Measure nothing: say which hosts have mpbench.")
@click.option("--python", metavar="PATH", help="The hosts' interpreter that has mpbench.")
@click.option("--wait", type=Duration(), default=3600.0, help="For a host's other session (1h).")
@click.option("--patience", type=Duration(), default=60.0, help="For a lost host (60s).")
@click.option("--tls-ca-file", metavar="FILE")
@click.option("--tls-cert", metavar="FILE")
@click.option("--tls-key", metavar="FILE")
@click.argument("run_options", nargs=-1, type=click.UNPROCESSED)
def command(**given: Any) -> int:
    """
    Run on every host of a Dask cluster, one run at a time on each.

    RUN_OPTIONS after `--` are those of `mpbench run`, such as
    `mpbench fleet --scheduler tcp://10.0.0.1:8786 -- --tier standard`.
    Each host needs mpbench. A host that is lost keeps its records; --resume
    goes on with the hosts that are not done.
    """
    if (given["scheduler"] is None) == (given["local"] is None):
        raise click.UsageError("give either --scheduler ADDRESS or --local N")
    tls = [name for name in ("tls_ca_file", "tls_cert", "tls_key") if given[name] is not None]
    if tls and given["local"] is not None:
        option = tls[0].replace("_", "-")
        raise click.UsageError(f"--{option} is for --scheduler; leave it out with --local")
    if given["check"]:
        return _check(given)
    from mpbench.fleet.campaign import load

    if given["resume"] is None:
        folder = given["output"] or _default_folder()
        if (folder / "campaign.json").exists():
            raise click.UsageError(f"{folder} has a campaign already; use --resume {folder}")
        settings = _settings(given, secrets.token_hex(6), _arguments(given["run_options"]))
        return _measure(given, settings, folder, ())
    if given["run_options"]:
        raise click.UsageError("--resume goes on with what was asked for; give no run options")
    name, arguments, known = load(given["resume"])
    return _measure(given, _settings(given, name, arguments), given["resume"], known)


def _check(given: dict[str, Any]) -> int:
    """Print what each worker has; 1 where one cannot measure, 4 where there is none."""
    from mpbench import __version__
    from mpbench.errors import InvalidSessionError
    from mpbench.fleet.dask import DaskCluster

    with _stops(), ExitStack() as stack:
        client = _connected(given, stack)
        cluster = DaskCluster(client, secrets.token_hex(6), apart=given["local"] is not None)
        hosts, described = cluster.workers(), cluster.describe()
    if not described:
        raise InvalidSessionError("the scheduler has no workers")
    is_fit = True
    for address, worker in described.items():
        if isinstance(worker, str):
            text, fits = worker, False
        else:
            fits = worker.mpbench == __version__
            wanted = "" if fits else f", expected {__version__}: install it there"
            text = f"Python {worker.python}, mpbench {worker.mpbench or 'none'}{wanted}"
        is_fit &= fits
        sys.stdout.write(f"{hosts.get(address, '?')} ({address}): {text}\n")
    return int(not is_fit)


def _connected(given: dict[str, Any], stack: ExitStack) -> Any:
    """Return a client of the scheduler that was named, or of one that is started here."""
    from mpbench.fleet.dask import Tls, connected, local_cluster

    address = given["scheduler"] or stack.enter_context(local_cluster(given["local"]))
    tls = Tls(given["tls_ca_file"], given["tls_cert"], given["tls_key"])
    return stack.enter_context(connected(address, tls))


def _default_folder() -> Path:
    return Path("reports") / f"{datetime.now(UTC).strftime('%Y-%m-%dT%H%M%SZ')}-fleet"


class _Stop:
    """
    What Ctrl-C and SIGTERM do.

    While a campaign is on, the first one stops its hosts. The second is taken
    for impatience: table and report are on their way. The third ends at once.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.times = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Count one."""
        del number, frame
        self.times += 1
        if not self.is_on or self.times > 2:  # noqa: PLR2004 - once and once too early
            raise KeyboardInterrupt


@contextmanager
def _stops() -> Iterator[_Stop]:
    """Catch what asks to end; in a thread that is not the main one it is somebody else's."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = (signal.SIGINT, *ending_signals())
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _measure(
    given: dict[str, Any], settings: Settings, folder: Path, known: tuple[HostOutcome, ...]
) -> int:
    from mpbench.fleet.campaign import FleetCampaign, save
    from mpbench.fleet.dask import DaskCluster

    with _stops() as stop:
        with ExitStack() as stack:
            client = _connected(given, stack)
            save(folder, settings, known)
            cluster = DaskCluster(client, settings.campaign, apart=given["local"] is not None)
            campaign = FleetCampaign(cluster, settings, folder, note=_note)
            for one in known:
                campaign.restore(one)
            _go_on(campaign, stop)
            outcomes = campaign.outcomes()
            save(folder, settings, outcomes)
            cluster.settle()
        return _finish(outcomes, folder, stopped=stop.times > 0)


def _go_on(campaign: FleetCampaign, stop: _Stop) -> None:
    """Step until every host is done, the user stops it, or the scheduler is gone."""
    from mpbench.fleet.cluster import SchedulerLostError

    stop.is_on = True
    try:
        while not stop.times and campaign.step():
            time.sleep(_STEP_S)
    except SchedulerLostError as error:
        campaign.give_up(str(error))
    if stop.times:
        _note("stopping the hosts; the table and the report follow")
        campaign.give_up("stopped by the user")


def _note(text: str) -> None:
    sys.stderr.write(printable(text, instead="?") + "\n")


def _finish(outcomes: tuple[HostOutcome, ...], folder: Path, *, stopped: bool) -> int:
    """Show the table of hosts, write the report, and return the exit code."""
    from mpbench.cli.fleet_table import print_hosts
    from mpbench.report import write as report
    from mpbench.store.writer import read

    print_hosts(outcomes)
    runs = tuple(read(outcome.folder) for outcome in outcomes if outcome.repetitions)
    for path in report.write(runs, folder) if runs else ():
        sys.stdout.write(f"{path}\n")
    if stopped:
        return exit_codes.INTERRUPTED
    return int(any(outcome.status is not Status.OK for outcome in outcomes))
