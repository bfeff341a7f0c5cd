"""The table of machines and interpreters tells what differs, and which column is which run."""

import fakes

from mpbench.report.environments import environments


def run(folder, usable):
    """Return a run of one machine in a condition of its own."""
    facts = fakes.environment("box", doctor=[{"found": folder}], cpu={"usable": usable})
    made = fakes.run("box", agents=1, environment=facts)
    header = made.header._replace(run=f"{folder}-{usable}")
    return made._replace(path=f"{folder}/results.jsonl", header=header)


def test_two_runs_of_one_machine_are_called_by_their_folders():
    """Whoever measures several environments of a machine names them so."""
    table = environments([run("two-cores", 2), run("one-core", 1)])
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}

    names = ["two-cores", "one-core"]
    assert names == [column.title.split(",")[0] for column in table.columns[1:]]
    assert names == rows["Result"]
    assert ["2", "1"] == rows["CPU: usable"]


def test_what_the_doctor_found_is_told_elsewhere():
    """A list of findings is no fact to lay beside another."""
    table = environments([run("a", 2), run("b", 1)])

    assert not [row[0].text for row in table.rows if "octor" in row[0].text]


def test_one_machine_has_no_number():
    """There is nothing to tell it from."""
    (_, column) = environments([run("a", 2)]).columns

    assert column.title.startswith("box")


def test_folders_that_do_not_tell_runs_apart_are_no_names():
    """Two results of one folder are numbered by the order of the files."""
    table = environments([run("same", 2), run("same", 1)])

    assert ["run 1", "run 2"] == [column.title.split(",")[0] for column in table.columns[1:]]
