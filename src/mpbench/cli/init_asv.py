"""The command `mpbench init-asv`: an asv suite for a project's own functions."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ("command",)

# In a process of its own: importing a project may do anything.
_CHECK = """
import inspect, sys
from mpbench.agent.user_function import resolve
function = resolve(sys.argv[1])
kinds = inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction
sys.exit(3 if any(kind(function) for kind in kinds) else 0)
"""
_IMPORTABLE, _UNFINISHED = 0, 3


def _check(target: str, folder: Path) -> int | None:
    """Return how the check of a function ended, None where it took too long."""
    import subprocess

    try:
        done = subprocess.run(
            (sys.executable, "-c", _CHECK, target),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.returncode


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="PACKAGE.MODULE:FUNCTION...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    metavar="DIR",
    help="Where asv.conf.json is or shall be; the current folder by default.",
)
def command(targets: tuple[str, ...], output: Path) -> int:
    """
    Give a project an asv suite that calls its functions under each start method.

    A function's parameter named `context` receives the multiprocessing
    context; without one, the default start method is set before its module is
    imported. Files that are there already stay as they are.
    """
    from mpbench.errors import UsageError
    from mpbench.integrations.scaffold import scaffold, target_of

    wanted = tuple(dict.fromkeys(target_of(text) for text in targets))
    checks = {target.text: _check(target.text, output) for target in wanted}
    for text, check in checks.items():
        if check == _UNFINISHED:
            raise UsageError(
                f"{text} is a coroutine function or a generator: a call only makes an object and "
                "runs nothing; name a function that runs it, such as one that calls asyncio.run"
            )
    for path in scaffold(output, wanted):
        sys.stdout.write(f"{path}\n")
    for text, check in checks.items():
        if check != _IMPORTABLE:
            sys.stderr.write(
                f"mpbench: {text} cannot be imported here; "
                "asv shows n/a for commits in which it does not exist\n"
            )
    sys.stdout.write("Try it: asv machine --yes && asv run --quick --show-stderr HEAD^!\n")
    return 0
