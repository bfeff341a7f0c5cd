"""Programs as words of the command line: a script or a module, behind the options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("ProgramCommand", "program_of")


def program_of(words: Sequence[str]) -> list[str]:
    """
    Return the interpreter's arguments for a script or a module.

    Raises:
        click.UsageError: There is no such script.
    """
    if words and words[0] == "-m":
        if len(words) == 1:
            raise click.UsageError("-m needs the name of a module")
        return list(words)
    if not words:
        raise click.UsageError("name a script, or a module with -m")
    if not Path(words[0]).is_file():
        raise click.UsageError(f"{words[0]} is no file; name a script, or a module with -m")
    _refuse_other_text(Path(words[0]))
    return list(words)


def _refuse_other_text(script: Path) -> None:
    """
    Refuse a file of another name that is no Python, before it is started.

    Raises:
        click.UsageError: It is text, and none of Python's.
    """
    text = script.read_bytes()
    if script.suffix in {".py", ".pyw", ".pyc"} or b"PK\x03\x04" in text:
        return  # A program, or a zip archive of one, perhaps behind a line for the shell.
    try:
        compile(text, str(script), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        place = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise click.UsageError(
            f"{script}{place} is no Python program: {error.args[0]}; name a script, or a module "
            "with -m"
        ) from error


class ProgramCommand(click.Command):
    """A command whose options end where the program begins, also with -m."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `--` before `-m MODULE`: what follows belongs to the module."""
        valued = {
            name
            for one in self.params
            if isinstance(one, click.Option) and not one.is_flag
            for name in one.opts
        }
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] not in {"--", "-m"}:
            at += 2 if args[at] in valued else 1
        if at < len(args) and args[at] == "-m":
            args = [*args[:at], "--", *args[at:]]
        return super().parse_args(ctx, args)
