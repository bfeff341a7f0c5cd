"""Arms that run whole programs, as the command line writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mpbench.cli.arm_items import arm_items
from mpbench.cli.options import Duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpbench.session.comparing.arms import Arm
    from mpbench.session.comparing.program_specs import ProgramOptions

__all__ = (
    "PROGRAM_OPTIONS",
    "CompareCommand",
    "command_arms",
    "command_options",
    "program_arm",
    "program_options",
)

_KEY = re.compile(
    r"(program|command|python|rev|method!?|workers|chunk_size|max_tasks|cpus|gil|jit|flags"
    r"|env:[A-Za-z_][A-Za-z0-9_]*)\s*=(?!=)"
)
_IS_PROGRAM = re.compile(r"\s*(.*,\s*)?(program|command)\s*=", re.DOTALL)
# Where what follows `--` is kept until the command reads it.
_META = "mpbench.commands"
_OPTIONS = (
    click.option(
        "--prepare", multiple=True, metavar="COMMAND",
        help="For programs: a shell command before each run, not timed; one, or one for each arm.",
    ),
    click.option(
        "--cleanup", multiple=True, metavar="COMMAND",
        help="For programs: a shell command after the last run; one, or one for each arm.",
    ),
    click.option(
        "--warmup", type=click.IntRange(0), default=1, show_default=True, metavar="N",
        help="For programs: runs of each arm before the first that is looked at.",
    ),
    click.option(
        "--input", "stdin", type=click.Path(path_type=Path), metavar="FILE",
        help="For programs: what they read from stdin; by default nothing.",
    ),
    click.option("--shell", is_flag=True, help="For commands: let /bin/sh run them."),
    click.option(
        "--timeout", type=Duration(), default=60.0, metavar="DURATION",
        help="For programs: end a run after this long (60s).",
    ),
    click.option(
        "--ignore-output", is_flag=True,
        help="For programs: discard stdout; without, arms must write the same.",
    ),
)  # fmt: skip
PROGRAM_OPTIONS = frozenset(
    {"prepare", "cleanup", "warmup", "stdin", "shell", "timeout", "ignore_output"}
)


class CompareCommand(click.Command):
    """A command of which everything after `--` is a command line of the user's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put what follows `--` aside."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_META] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


def command_arms() -> tuple[Arm, ...]:
    """Return an arm for each command line that follows `--`."""
    from mpbench.session.comparing.arms import Arm

    lines: tuple[str, ...] = click.get_current_context().meta.get(_META, ())
    return tuple(Arm(text=line, command=line) for line in lines)


def command_options(function: Any) -> Any:
    """Add the options of whole programs to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def program_arm(text: str) -> Arm | None:
    """
    Read an arm that runs a whole program; None where it is none.

    Args:
        text: `program=SCRIPT ARGS,KEY=VALUE,...`, or `command=` instead.

    Raises:
        click.BadParameter: It names something twice, or something that does not exist.
    """
    from mpbench.session.comparing.arms import Arm

    if not _IS_PROGRAM.match(text):
        return None
    given = arm_items(text, _KEY)
    for key, value in given.items():
        if not value and not key.startswith("env:"):
            raise click.BadParameter(f"{text!r} gives {key!r} no value", param_hint="--arm")
    return _arm(text, given, Arm)


def _arm(text: str, given: dict[str, str], make: Callable[..., Arm]) -> Arm:
    if {"program", "command"} <= given.keys():
        raise click.BadParameter(f"{text!r} has a program and a command", param_hint="--arm")
    program, command = given.pop("program", None), given.pop("command", None)
    python, rev = (_unquoted(given.pop(key, None)) for key in ("python", "rev"))
    own = [*(["python"] if python else []), *sorted(given.keys() & {"gil", "jit", "flags"})]
    if command is not None and own:
        raise click.BadParameter(
            f"{text!r}: {own[0]}= is for program=; a command names its interpreter itself",
            param_hint="--arm",
        )
    overrides = {key: _unquoted(value) or "" for key, value in given.items()}
    return make(
        text=text,
        program=program,
        command=command,
        python=python,
        rev=rev,
        overrides=overrides,
        default_method=overrides.get("method") == "default",
    )


def _unquoted(value: str | None) -> str | None:
    if value and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def program_options(given: Mapping[str, Any]) -> ProgramOptions:
    """Return how whole programs are run, from the options of the command line."""
    from mpbench.session.comparing.program_specs import ProgramOptions

    return ProgramOptions(
        stdin=given["stdin"],
        timeout_s=given["timeout"],
        warmups=given["warmup"],
        shell=given["shell"],
        ignore_output=given["ignore_output"],
        prepare=given["prepare"],
        cleanup=given["cleanup"],
    )
