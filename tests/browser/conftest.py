"""Opens reports in the system's Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import fakes
import pytest

from mpbench.report import write as report
from mpbench.store import Writer, read

_CHROMIUM = next((path for path in ("chromium", "chromium-browser") if shutil.which(path)), None)
# CI sets this: there, a skipped browser test is a failure.
_REQUIRED = bool(os.environ.get("MPBENCH_REQUIRE_BROWSER"))


def _missing(what: str) -> None:
    if _REQUIRED:
        pytest.fail(f"{what}, and MPBENCH_REQUIRE_BROWSER is set")
    pytest.skip(what)


@pytest.fixture(scope="session")
def missing() -> Callable[[str], None]:
    """Return what skips a test, or fails it where nothing may be missing."""
    return _missing


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Start Chromium once for each module; Playwright's event loop runs until the fixture ends."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    if _CHROMIUM is None:
        _missing("the system has no Chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which(_CHROMIUM), args=["--no-sandbox"]
        )
        yield chromium
        chromium.close()


def _stored(run, folder):
    with Writer(folder) as writer:
        writer.write_run(run)
    return folder


@pytest.fixture(scope="session")
def one(tmp_path_factory) -> Path:
    """Write a result file with hostile names and its report; return the folder."""
    folder = _stored(fakes.run(hostile=True), tmp_path_factory.mktemp("one") / "run")
    report.write([read(folder)], folder)
    return folder


@pytest.fixture(scope="session")
def two(tmp_path_factory) -> Path:
    """Write the report of two machines with different Pythons; return its folder."""
    folder = tmp_path_factory.mktemp("two")
    other = fakes.header("second", environment=fakes.environment("second", cpu={"usable": 8}))
    runs = [
        read(_stored(fakes.run(), folder / "a")),
        read(_stored(fakes.run(seed=2, slower=2)._replace(header=other), folder / "b")),
    ]
    report.write(runs, folder)
    return folder


class Opened:
    """A page, and everything about it that should not have happened."""

    def __init__(self, page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("request", lambda request: self._request(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.faults.append(f"{kind}: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.faults.append(f"request: {url}")


@pytest.fixture
def open_report(browser):
    """Return a function that opens a report and gives its page."""
    contexts, opened = [], []

    def start(folder: Path, fragment: str = "", *, is_watched=True, **options) -> object:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        if is_watched:
            opened.append(Opened(page))
        page.goto(f"file://{folder}/report.html{fragment}")
        return page

    yield start
    faults = [fault for one in opened for fault in one.faults]
    for context in contexts:
        context.close()
    assert [] == faults


@pytest.fixture(scope="session")
def npm_package(tmp_path_factory) -> Callable[[str], Path]:
    """Return a function that gives the archive of a package, which npm keeps in its own cache."""
    npm = shutil.which("npm")
    kept: dict[str, Path] = {}

    def fetch(name: str) -> Path:
        if npm is None:
            pytest.skip(f"npm is not installed, so {name} cannot be fetched")
        if name not in kept:
            folder = tmp_path_factory.mktemp("npm")
            command = [npm, "pack", name, "--silent", "--prefer-offline"]
            try:
                subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
            except (OSError, subprocess.SubprocessError):
                pytest.skip(f"{name} cannot be fetched from the npm registry")
            (kept[name],) = folder.glob("*.tgz")
        return kept[name]

    return fetch


@pytest.fixture(scope="session")
def axe(npm_package) -> str:
    """Return the source of axe-core."""
    with tarfile.open(npm_package("axe-core@4")) as tar:
        member = tar.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()
