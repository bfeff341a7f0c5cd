"""Interpreters describe themselves, and what is none is refused."""

import platform
import sys

import pytest

from mpbench.environment import describe_interpreter
from mpbench.environment.installation import describe_source
from mpbench.errors import EnvironmentUnfitError


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


def test_a_missing_executable_is_refused(tmp_path):
    """The name that the user gave stands in the error."""
    with pytest.raises(EnvironmentUnfitError, match="absent"):
        describe_interpreter(str(tmp_path / "absent"))


def test_a_folder_without_git_has_no_commit(tmp_path):
    """An installed mpbench does not report a foreign repository."""
    assert None is describe_source(tmp_path)
