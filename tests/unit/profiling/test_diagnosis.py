"""`mpbench profile` knows where its options end and the program begins."""

import click
import pytest

from mpbench.cli.profile import command
from mpbench.cli.program_words import program_of


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["a.py", "-o", "x"], ("a.py", "-o", "x")),
        (["--", "a.py", "--stacks"], ("a.py", "--stacks")),
        (["--stacks", "-m", "pytest", "-n", "2"], ("-m", "pytest", "-n", "2")),
        (["-o", "d", "-m", "pkg.mod", "-o", "e"], ("-m", "pkg.mod", "-o", "e")),
        (["--", "-m", "mod"], ("-m", "mod")),
    ],
)
def test_what_follows_the_program_is_its_own(given, words):
    """An option of the program is not taken for one of ours."""
    context = command.make_context("profile", list(given))

    assert words == context.params["words"]


@pytest.mark.parametrize("words", [[], ["-m"], ["absent.py"]])
def test_a_missing_program_is_a_usage_error(words):
    """One line says what was expected."""
    with pytest.raises(click.UsageError):
        program_of(words)
