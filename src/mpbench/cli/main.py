"""The entry point: the list of commands, and one line and an exit code for every error."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any, Never

import click

from mpbench import __version__
from mpbench.cli import exit_codes
from mpbench.cli.streams import protect_streams
from mpbench.errors import MpbenchError, reason_of
from mpbench.printable import printable
from mpbench.session.interrupt import terminations

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("group", "main")

# Each command's module and its line in the help text. The modules are imported
# only when their command runs: `mpbench --help` must not pay for pandas.
COMMANDS = {
    "run": ("run", "Measure workloads on this machine and write a report."),
    "list": ("list", "Show what can be measured and how to read it."),
    "compare": ("compare", "Judge arms, or result files, with a stated error rate."),
    "show": ("show", "Print the tables of stored runs and comparisons."),
    "report": ("report", "Write one HTML page from any number of result files."),
    "advise": ("advise", "Say which start method, channel and chunk size to use here."),
    "profile": ("profile", "Run a multiprocessing script and show where its time goes."),
    "tune": ("tune", "Say which setting makes a program faster, predicted and measured."),
    "doctor": ("doctor", "Check whether this machine is fit to measure on."),
    "fleet": ("fleet", "Run on every host of a Dask cluster."),
    "export": ("export", "Write results for pyperf, pytest-benchmark, asv, CSV or Parquet."),
    "import": ("import_", "Read asv or pytest-benchmark results."),
    "init-asv": ("init_asv", "Give a project an asv suite with start methods."),
    "selftest": ("selftest", "Prove on this machine that verdicts can be trusted."),
    "anonymise": ("anonymise", "Copy a result without names, paths and arguments."),
    "clean": ("clean", "Remove what a power cut left behind."),
}


# How a loader and the system say that memory is short.
_MEMORY_WORDS = ("Cannot allocate memory", "failed to map segment")
# No memory, descriptors, processes, or room on a disk.
_USED_UP = {errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT}


class _Commands(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of their importance."""
        del ctx
        return [name for name in COMMANDS if _exists(COMMANDS[name][0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS or not _exists(COMMANDS[cmd_name][0]):
            return None
        module = importlib.import_module(f"mpbench.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        command.name = cmd_name  # its function is called `command` in every module
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any of them."""
        rows = [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest ones."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib

            there = self.list_commands(ctx)
            near = difflib.get_close_matches(args[0], there, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; one of {', '.join(there)}"
            raise click.UsageError(f"no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)


def _exists(module: str) -> bool:
    return importlib.util.find_spec(f"mpbench.cli.{module}") is not None


_EPILOG = (
    'Completion: put `eval "$(_MPBENCH_COMPLETE=bash_source mpbench)"` into ~/.bashrc (zsh_source '
    "into ~/.zshrc; for fish, `_MPBENCH_COMPLETE=fish_source mpbench | source`).\n\n"
    "Exit codes: 0 all is well; 1 a case failed or became slower; 2 wrong arguments, files, or "
    "no means to measure here; 3 inconclusive, with --require-decision; 4 nothing was measured, "
    "or none of it can be believed; 70 a bug "
    "of mpbench; 130 stopped. profile ends as its program does (see its help)."
)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG
)
@click.version_option(__version__, prog_name="mpbench")
def group() -> None:
    """
    Measure what Python's multiprocessing costs on this machine.

    `mpbench run` is the main job: a minute of measuring, a table, a report.
    """


def _fail(text: str, code: int) -> Never:
    # One line, whatever is in it: an error about a hostile file must stay readable.
    plain = " ".join(printable(text).split())
    sys.stderr.write(f"mpbench: {plain}\n")
    sys.exit(code)


def _of_the_machine(error: BaseException) -> str | None:
    """Return what to say of an error that the machine or a path gave; None for one of ours."""
    if isinstance(error, MemoryError) or (
        isinstance(error, (ImportError, OSError))
        and any(words in str(error) for words in _MEMORY_WORDS)
    ):
        return "there is not enough memory for this command; raise the limit (`ulimit -v`)"
    if isinstance(error, OSError) and error.filename is not None:
        path = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        return f"{path}: {reason_of(error)}; name a path that this user may use"
    if isinstance(error, OSError) and error.errno in _USED_UP:
        return f"the machine is out of a resource: {reason_of(error)}"
    return None


def _fail_as_bug(error: Exception) -> Never:
    import traceback

    traceback.print_exception(error)
    _fail(
        f"this is a bug of mpbench, please report it: {type(error).__name__}: {error}",
        exit_codes.BUG,
    )


def main(arguments: Sequence[str] | None = None) -> Any:
    """
    Run the command line and exit.

    Exit codes: 0 fine; 1 the answer is bad; 2 usage or unreadable input;
    3 inconclusive where a decision was required; 4 invalid session or nothing
    measured; 70 a bug of mpbench; 130 interrupted.
    """
    protect_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with terminations():
            code = group.main(args=words or ["--help"], prog_name="mpbench", standalone_mode=False)
            sys.stdout.flush()
    except click.ClickException as error:
        _fail(error.format_message(), exit_codes.USAGE)
    except MpbenchError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        # CPython remembers an interrupt that left a text which was executed, such as a
        # dataclass in the making, and under -m ends by SIGINT whatever is asked for. Another
        # text makes it forget.
        exec("")  # noqa: S102
        _fail("interrupted", exit_codes.INTERRUPTED)
    except (MemoryError, OSError, ImportError) as error:
        text = _of_the_machine(error)
        if text is None:
            _fail_as_bug(error)
        _fail(text, exit_codes.USAGE)
    except Exception as error:  # noqa: BLE001 - the last line of defence: shown, with its trace
        _fail_as_bug(error)
    sys.exit(code if isinstance(code, int) else 0)
