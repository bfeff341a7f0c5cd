"""Terminal output and files of `mpbench profile --diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("show_difference",)


def show_difference(before: Path, after: Path, folder: Path | None) -> int:
    """
    Print the difference of two profiles, and write it as a page and as JSON.

    Args:
        before: The folder of a profile, or its profile.json.
        after: The same of the second.
        folder: Where page and JSON go; None writes none.
    """
    import json

    from rich.table import Table
    from rich.text import Text

    from mpbench.cli.terminal import terminal
    from mpbench.profiling.diff_page import diff_page, diff_rows, loss_rows
    from mpbench.profiling.profile_diff import difference_of, read_profile
    from mpbench.store.atomic_write import make_folder, write_atomic

    difference = difference_of(read_profile(before), read_profile(after))
    console = terminal()
    console.print(Text(difference["sentence"]))
    figures = Table("figure", "before", "after", "ratio", box=None, pad_edge=False)
    for row in diff_rows(difference):
        figures.add_row(*map(Text, row))
    console.print(figures)
    losses = loss_rows(difference)
    if losses:
        table = Table("before", "after", "where the workers' time went", box=None, pad_edge=False)
        for text, one, other in losses:
            table.add_row(Text(one), Text(other), Text(text))
        console.print(table)
    console.print(Text(difference["caution"], style="dim"))
    if folder is not None:
        make_folder(folder)
        text = json.dumps(difference, allow_nan=False, indent=1) + "\n"
        write_atomic(folder / "profile-diff.json", text)
        write_atomic(folder / "profile-diff.html", diff_page(difference))
        for name in ("profile-diff.html", "profile-diff.json"):
            console.print(Text(str(folder / name)), soft_wrap=True)
    return 0
