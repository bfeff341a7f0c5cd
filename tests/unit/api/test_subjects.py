"""What can be compared: names, functions, statements, programs, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mpbench.api.comparison import compare
from mpbench.api.subjects import code, prepared, program
from mpbench.errors import UsageError
from mpbench.model import StartMethod


def test_names_are_methods_workloads_or_functions() -> None:
    """The form of a text decides."""
    assert StartMethod.FORK is prepared("fork").arm.method
    assert prepared("default").arm.default_method
    assert "pipe/round-trip" == prepared("pipe/round-trip").arm.workload
    assert "json:dumps" == prepared("json:dumps").arm.call


def test_a_function_is_called_by_its_module_and_brings_its_folder() -> None:
    """A fresh interpreter must be able to import it."""
    subject = prepared(json.JSONDecoder.decode)
    (path,) = subject.paths

    assert "json.decoder:JSONDecoder.decode" == subject.arm.call
    assert (path / "json" / "decoder.py").is_file()


def test_a_statement_has_its_set_up() -> None:
    """What is no Python is refused before anything is measured."""
    arm = code(
        """
        total = sum(x)
    """,
        setup="x = range(3)",
    ).arm

    assert ("total = sum(x)", "x = range(3)", "code=total = sum(x)") == (
        arm.code,
        arm.setup,
        arm.text,
    )
    with pytest.raises(UsageError, match="no Python statement"):
        code("for in")


def test_a_program_keeps_its_arguments() -> None:
    """They are quoted as a shell would need them."""
    assert "job.py --name 'a b'" == program("job.py", "--name", "a b").arm.program


@pytest.mark.parametrize("subject", [3, lambda: 1, None])
def test_what_no_process_can_import_is_refused(subject: object) -> None:
    """Before anything is measured, with what to do."""
    with pytest.raises(UsageError, match=r"mpbench\.code"):
        compare(subject, subject)


def test_a_function_of_an_interactive_session_is_refused() -> None:
    """As in a notebook: `__main__` without a file."""
    text = "def f(): pass\nimport mpbench\nmpbench.compare(f, f)\n"
    done = subprocess.run(
        [sys.executable, "-"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "UsageError: f exists only in this interactive session; write it to a module" in (
        done.stderr
    )


def test_a_run_is_no_comparison() -> None:
    """One path is read; it must hold a comparison."""
    sample = Path(__file__).parents[3] / "reports" / "sample" / "two-cores"
    with pytest.raises(UsageError, match="is no comparison"):
        compare(sample)
