"""The command `mpbench anonymise`: a copy of a result without names, paths and arguments."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mpbench.cli.options import Folder

__all__ = ("command",)

_PROFILE = "profile.json"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=Folder(), metavar="DIR",
    help="Where to write; by default FILE's folder with -anonymised.",
)  # fmt: skip
def command(file: Path, output: Path | None) -> int:
    """
    Write a copy of FILE that names no machine, user, path or argument.

    FILE is a run's folder, its results.jsonl, or a profile.json. Equal names
    become equal words, so that runs of one machine stay together. Pages are not
    copied: make them again from the copy with `mpbench report`.
    """
    from mpbench.session.anonymise import anonymise_profile, anonymise_run

    folder = file if file.is_dir() else file.absolute().parent
    target = output or folder.with_name(f"{folder.name}-anonymised")
    if file.is_dir() and (file / _PROFILE).is_file():
        file = file / _PROFILE
    anonymise = anonymise_profile if file.name == _PROFILE else anonymise_run
    sys.stdout.write(f"{anonymise(file, target)}\n")
    return 0
