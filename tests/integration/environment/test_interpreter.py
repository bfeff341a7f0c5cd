"""Interpreters describe themselves, and what is none is refused."""

import platform
import sys

import pytest

from mpbench.environment import describe_interpreter
from mpbench.environment.installation import describe_source
from mpbench.errors import EnvironmentUnfitError, UsageError
from mpbench.session.interpreters import find_interpreter


def test_this_interpreter_describes_itself():
    """Version and executable are those of the interpreter that was asked."""
    facts = describe_interpreter(sys.executable)

    assert platform.python_version() == facts["version"]
    assert "spawn" in facts["start_methods"]
    assert facts["default_start_method"] in facts["start_methods"]


@pytest.mark.parametrize(
    ("script", "part"),
    [
        ("#!/bin/sh\nexit 3\n", "exit code 3"),
        ('#!/bin/sh\necho \'{"hexversion": 50856944, "version": "3.8.2"}\'\n', "3.8.2"),
        ("#!/bin/sh\nsleep 30\n", "within"),
    ],
)
def test_what_is_no_usable_python_is_refused(tmp_path, script, part):
    """The reason says what was found."""
    fake = tmp_path / "python"
    fake.write_text(script)
    fake.chmod(0o755)

    with pytest.raises(EnvironmentUnfitError, match=part):
        describe_interpreter(str(fake), timeout_s=0.3)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'shim: not installed' >&2; echo >&2; echo 'Note: see help' >&2", "shim: not inst"),
        ("echo Traceback >&2; echo 'ImportError: no json' >&2", "ImportError: no json"),
        ('echo "ls: $3" | tr "\\n" " " >&2', "ls: "),
    ],
)
def test_the_telling_line_is_quoted_and_not_more(tmp_path, script, said):
    """A shim says it first, a Python last, and what quotes the question back is cut off."""
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\n{script}\nexit 2\n")
    fake.chmod(0o755)

    with pytest.raises(EnvironmentUnfitError) as caught:
        describe_interpreter(str(fake), timeout_s=10)

    assert f"exit code 2: {said}" in str(caught.value)
    assert len(str(caught.value)) < 350 + len(str(fake))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: path.write_text(""), "may not be executed"),
        (lambda path: path.exists(), "no such file"),
    ],
)
def test_a_path_that_cannot_be_run_is_told_apart(tmp_path, make, said):
    """A path is not looked up on PATH, so nothing is said about PATH."""
    path = tmp_path / "named"
    make(path)

    with pytest.raises(UsageError, match=said) as caught:
        find_interpreter(str(path))

    assert "PATH" not in str(caught.value)


def test_a_missing_executable_is_refused(tmp_path):
    """The name that the user gave stands in the error."""
    with pytest.raises(EnvironmentUnfitError, match="absent"):
        describe_interpreter(str(tmp_path / "absent"))


def test_a_folder_without_git_has_no_commit(tmp_path):
    """An installed mpbench does not report a foreign repository."""
    assert None is describe_source(tmp_path)
