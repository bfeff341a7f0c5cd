"""What is taken out of a result before it is shown to anybody."""

import json

import fakes
import pytest

from mpbench.model import RunEnd, RunEvent, Status
from mpbench.store import RESULTS, Writer, read
from mpbench.store.anonymise import Anonymiser, pseudonym

NAMES = {"alice": "user", "wonderland": "machine", "/home/alice/own place": "path"}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("measured by alice", f"measured by {pseudonym('user', 'alice')}"),
        ("malice is not alicent", "malice is not alicent"),
        ("in /home/alice/own place", f"in {pseudonym('path', '/home/alice/own place')}"),
        ('File "/srv/x.py", line 3', f'File "{pseudonym("path", "/srv/x.py")}", line 3'),
        ("of ~/plans", f"of {pseudonym('path', '~/plans')}"),
        ("/dev/shm has 64 MiB", "/dev/shm has 64 MiB"),
        ("pipe/round-trip took 3 ns/call", "pipe/round-trip took 3 ns/call"),
        (
            "/opt/py/lib/python3.11/queue.py",
            f"{pseudonym('path', '/opt/py')}/lib/python3.11/queue.py",
        ),
    ],
)
def test_names_and_paths_are_hidden_and_nothing_else(text, hidden):
    """Names are whole words, paths begin at the root, the kernel's own stay readable."""
    assert hidden == Anonymiser(NAMES).text(text)


def test_every_record_is_hidden(tmp_path):
    """Wherever a line has free text, no name is left in the file; what was measured stays."""
    text = "alice saw /home/alice/own place and /srv/x on wonderland"
    run = fakes.run(agents=1)
    header = run.header._replace(
        machine="wonderland",
        command=("mpbench", "run", "-o", "plans", "--python=bin/python", "--resume=plans"),
        plan={"files": ["mine.py"], "pythons": ["bin/python", "3.13"], "tier": "quick"},
        environment={"deep": [{"text": text}]},
    )
    case = run.cases[0]._replace(status=Status.SKIPPED, reason=text)
    bad = fakes.repetition(case.case, status=Status.FAILED, reason=text)
    anonymiser = Anonymiser(NAMES, ["plans", "mine.py", "bin/python"])
    with Writer(tmp_path, anonymiser=anonymiser) as writer:
        writer.header(header)
        writer.case(case)
        writer.repetition(bad._replace(extra={"log": text}))
        writer.event(RunEvent(0, "note", text))
        writer.end(RunEnd(1, Status.FAILED, text))
    content = (tmp_path / RESULTS).read_text()
    found = read(tmp_path)

    for name in ("alice", "wonderland", "/srv", "own place", "plans", "mine.py", "bin/python"):
        assert name not in content
    assert pseudonym("machine", "wonderland") == found.header.machine
    assert f"--python={pseudonym('path', 'bin/python')}" == found.header.command[4]
    assert [pseudonym("path", "bin/python"), "3.13"] == found.header.plan["pythons"]
    assert case.case == found.cases[0].case
    assert json.loads(content.splitlines()[2])["samples"] is not None


def test_without_names_only_paths_are_hidden():
    """A machine that tells no names is no error."""
    assert f"alice in {pseudonym('path', '/srv')}" == Anonymiser({"": "user"}).text("alice in /srv")
