"""asv's own pages of a small real history: what they show, and what they fetch."""

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from asv_project import CONFIGURATION

pytest.importorskip("asv")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

_BENCHMARK = "process.ProcessStartToJoin.mp_seconds"
_MACHINE = {"arch": "x", "cpu": "x", "machine": "box", "num_cpu": "2", "os": "Linux", "ram": "1"}
_SUITE = {
    "__init__.py": "from mpbench.integrations.asv import register as _register\n\n_register()\n",
    "process.py": "from mpbench.integrations.asv import case as _case\n\n\n"
    'class ProcessStartToJoin(_case("process/start-to-join")): ...\n',
}

# What asv 0.6.6 loads from the network, and the same file of the package that npm has.
_LIBRARIES = {
    "jquery-3.3.1.min.js": ("jquery@3.3.1", "dist/jquery.min.js"),
    "jquery.flot.min.js": ("jquery.flot@0.8.3", "jquery.flot.js"),
    "jquery.flot.time.min.js": ("jquery.flot@0.8.3", "jquery.flot.time.js"),
    "jquery.flot.selection.min.js": ("jquery.flot@0.8.3", "jquery.flot.selection.js"),
    "jquery.flot.categories.min.js": ("jquery.flot@0.8.3", "jquery.flot.categories.js"),
    "jquery.flot.orderBars.js": ("flot-orderbars@1.0.0", "js/jquery.flot.orderBars.js"),
    "stupidtable.min.js": ("stupid-table-plugin@1.1.3", "stupidtable.min.js"),
    "md5.min.js": ("blueimp-md5@2.19.0", "js/md5.min.js"),
    "bootstrap.min.js": ("bootstrap@3.1.1", "dist/js/bootstrap.min.js"),
    "bootstrap.min.css": ("bootstrap@3.1.1", "dist/css/bootstrap.min.css"),
}
_HOSTS = {"code.jquery.com", "cdnjs.cloudflare.com", "cdn.jsdelivr.net"}


def _call(folder: Path, *command: str) -> str:
    identity = {
        f"GIT_{who}_{what}": f"{what}@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    more = {"HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, **identity}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Path:
    """Measure three commits of a new repository with the real asv; return the pages' folder."""
    folder = tmp_path_factory.mktemp("asv")
    (folder / "asv.conf.json").write_text(json.dumps(CONFIGURATION))
    (folder / ".asv-machine.json").write_text(json.dumps({"box": _MACHINE, "version": 1}))
    (folder / ".gitignore").write_text(".asv/\n")
    (folder / "benchmarks").mkdir()
    for name, text in _SUITE.items():
        (folder / "benchmarks" / name).write_text(text)
    _call(folder, "git", "init", "-q", "-b", "main")
    for number in range(3):
        (folder / "news.txt").write_text(f"{number}\n")
        _call(folder, "git", "add", "-A")
        _call(folder, "git", "commit", "-q", "-m", f"change {number}")
        _call(
            folder,
            *(sys.executable, "-m", "asv", "run", "-E", f"existing:{sys.executable}", "--quick"),
            *("--record-samples", "--machine", "box", "--set-commit-hash"),
            _call(folder, "git", "rev-parse", "HEAD").strip(),
        )
    _call(folder, sys.executable, "-m", "asv", "publish", "--no-pull")
    return folder / ".asv" / "html"


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        """Say nothing: the test looks at what the browser asks for."""


@pytest.fixture(scope="session")
def address(published):
    """Serve the pages on loopback; `asv preview` would listen on every interface."""
    handler = functools.partial(_Silent, directory=str(published))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def libraries(npm_package) -> dict[str, bytes]:
    """Return the scripts and styles of other projects that asv's pages load."""
    content = {}
    for name, (package, path) in _LIBRARIES.items():
        with tarfile.open(npm_package(package)) as tar:
            member = tar.extractfile(f"package/{path}")
            assert member is not None
            content[name] = member.read()
    return content


def _name_of(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


@pytest.fixture
def open_asv(browser, address, libraries):
    """Return a function that opens asv's pages as a browser with a network would."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, faults = context.new_page(), []

    def note(kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            faults.append(f"{kind}: {text}")

    def unsigned(route) -> None:
        # The packages of npm are not minified, so they have other digests.
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r' integrity="[^"]*"', "", answer.text()))

    page.on("console", lambda message: note(message.type, message.text))
    page.on("pageerror", lambda error: note("error", str(error)))
    page.route(
        lambda url: urlsplit(url).hostname in _HOSTS,
        lambda route: route.fulfill(
            body=libraries[_name_of(route.request.url)],
            content_type="text/css" if route.request.url.endswith("css") else "text/javascript",
            headers={"Access-Control-Allow-Origin": "*"},
        ),
    )
    page.route(address, unsigned)

    def start(fragment: str):
        page.goto("about:blank")
        page.goto(f"{address}#{fragment}")
        return page

    yield start
    context.close()
    assert [] == faults


def _series(page) -> dict[str, list]:
    """Return what the graph has drawn: the points of each line by the name in the legend."""
    page.wait_for_selector("#main-graph canvas.flot-base")
    page.wait_for_function("$('#main-graph').data('plot').getData().some((s) => s.data.length)")
    drawn = page.evaluate(
        "$('#main-graph').data('plot').getData().map((s) => [s.label || '', s.data])"
    )
    return dict(drawn)


def _is_painted(page) -> bool:
    """Tell whether the graph's canvas has any colour on it."""
    return page.evaluate(
        "(() => { const c = document.querySelector('#main-graph canvas.flot-base');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " for (let i = 0; i < d.length; i += 4)"
        " if (d[i + 3] > 200 && Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2])"
        " > 60) return true; return false; })()"
    )


def test_start_methods_stand_side_by_side(open_asv, tmp_path):
    """The graph of a workload has a line for each start method over the three commits."""
    page = open_asv(_BENCHMARK)

    series = _series(page)
    page.screenshot(path=tmp_path / "over-commits.png")

    assert {"method-fork", "method-spawn", "method-forkserver"} == set(series)
    assert [3, 3, 3] == [len([value for _, value in line if value]) for line in series.values()]
    assert _is_painted(page)
    assert 0 < (tmp_path / "over-commits.png").stat().st_size


def test_the_start_method_can_be_the_axis(open_asv, tmp_path):
    """With the start method as the axis a commit's three values stand beside each other."""
    page = open_asv(f"{_BENCHMARK}?x-axis=method")

    series = _series(page)
    page.screenshot(path=tmp_path / "by-start-method.png")

    names = page.evaluate(
        "$('#main-graph').data('plot').getXAxes()[0].options.categories"
        " || $('#main-graph .flot-x-axis').text()"
    )
    assert all(method in str(names) for method in ("fork", "spawn", "forkserver"))
    assert all(3 == len(points) for points in series.values())


def test_the_grid_lists_the_benchmark(open_asv, tmp_path):
    """The first page has one picture for the workload, with its name as we write it."""
    page = open_asv("/")

    page.wait_for_selector("#summarygrid-display canvas, #summarygrid-display .benchmark-text")
    page.screenshot(path=tmp_path / "grid.png")

    assert "process/start-to-join" in page.inner_text("#summarygrid-display")


def test_without_a_network_they_show_an_error(browser, address):
    """The pages load scripts of three hosts, and no other; without them there is no graph."""
    context = browser.new_context()
    page, asked = context.new_page(), set()

    def refuse(route) -> None:
        asked.add((urlsplit(route.request.url).hostname, _name_of(route.request.url)))
        route.abort()

    page.route(lambda url: urlsplit(url).hostname != "127.0.0.1", refuse)
    page.goto(address)
    page.wait_for_url(f"{address}error.html")
    context.close()

    assert asked
    assert {host for host, _ in asked} <= _HOSTS
    assert {name for _, name in asked} <= set(_LIBRARIES)
