"""How arms that run whole programs are read."""

from __future__ import annotations

import click
import pytest

from mpbench.cli.arms import arms_of
from mpbench.session.comparing.arms import with_names


def read(text):
    """Return the program or command of an arm, and what it changes."""
    (arm,) = arms_of((text,), None)
    return arm.whole, {
        **arm.overrides,
        **{k: v for k in ("python", "rev") if (v := getattr(arm, k))},
    }


@pytest.mark.parametrize(
    ("text", "whole", "changes"),
    [
        ("program=job.py --n 4", "job.py --n 4", {}),
        ("program=-m pkg.mod a b,python=3.13", "-m pkg.mod a b", {"python": "3.13"}),
        ("command=sort -t, -k1,2 file", "sort -t, -k1,2 file", {}),
        ("program=job.py --set a=1,b=2,rev=HEAD~1", "job.py --set a=1,b=2", {"rev": "HEAD~1"}),
        ("program=job.py,cpus=0,1,env:A=x,y", "job.py", {"cpus": "0,1", "env:A": "x,y"}),
        ("program=job.py --say 'x,rev=1',rev=2", "job.py --say 'x,rev=1'", {"rev": "2"}),
        ('command=echo "a, rev=b" c', 'echo "a, rev=b" c', {}),
        ("command=echo \\',rev=2", "echo \\'", {"rev": "2"}),
        ("cpus=0,program=job.py", "job.py", {"cpus": "0"}),
        ("program=job.py,env:A='b c, rev=d'", "job.py", {"env:A": "b c, rev=d"}),
        ("program=job.py,env:A=", "job.py", {"env:A": ""}),
        ("program=job.py --x=y", "job.py --x=y", {}),
    ],
)
def test_a_comma_separates_where_a_key_follows(text, whole, changes):
    """Everything else belongs to the value: commas, equals signs, quotes and spaces."""
    assert (whole, changes) == read(text)


@pytest.mark.parametrize(
    "text",
    [
        "program=",
        "program=a,program=b",
        "program=a,command=b",
        "command=a,python=3.11",
        "payload=1,program=a",
        "program=a,rev=",
    ],
)
def test_what_is_no_arm_of_a_program_is_refused(text):
    """The message shows the text."""
    with pytest.raises(click.BadParameter):
        arms_of((text,), None)


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (("program=a.py", "program=b.py"), ["a.py", "b.py"]),
        (("program=a.py", "program=a.py,cpus=0"), ["as it is", "cpus=0"]),
        (("program=a.py", "program=a.py"), ["a.py", "a.py #2"]),
        (("program=a.py,rev=1", "program=b.py,rev=2"), ["a.py, rev=1", "b.py, rev=2"]),
    ],
)
def test_arms_are_called_by_what_differs(texts, names):
    """The program is named where the arms run different ones."""
    assert names == [arm.name for arm in with_names(arms_of(texts, None))]
