"""`mpbench doctor` looks at the real machine."""

import json

from click.testing import CliRunner

from mpbench.cli.doctor import command


def test_json_holds_every_finding():
    """The exit code says whether the machine is fit."""
    result = CliRunner().invoke(command, ["--json", "--watch", "50ms"], standalone_mode=False)
    record = json.loads(result.output)

    assert record["fit"] is (result.return_value == 0)
    assert {"load", "clock", "semaphores", "quota"} <= {one["key"] for one in record["findings"]}
    assert record["fit"] is not any(one["level"] == "fault" for one in record["findings"])


def test_the_table_shows_every_check_when_asked():
    """Good findings are hidden until --all."""
    result = CliRunner().invoke(command, ["--all", "--watch", "50ms"], standalone_mode=False)

    assert "socket path" in result.output
    assert "fit to measure on" in result.output
