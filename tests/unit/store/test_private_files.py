"""Everything that a command writes is for its user alone."""

import os
import stat

import fakes
import pytest

from mpbench.cli.main import main
from mpbench.session.run import fresh_folder
from mpbench.session.selftest.campaign import SMOKE, SelftestCampaign
from mpbench.store import Writer
from mpbench.store.atomic_write import make_folder, private_files, write_atomic


@pytest.fixture(autouse=True)
def _open_umask():
    """Give new files to everybody, unless somebody says otherwise."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def _open_paths(root):
    """Return what others could enter or read below a folder."""
    return [
        str(path.relative_to(root))
        for path in root.rglob("*")
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


@pytest.mark.parametrize("form", ["csv", "pyperf", "pytest-benchmark", "asv"])
def test_exports_are_private(tmp_path, form):
    """Whatever tool they are for, and however deep the new folder is."""
    with Writer(tmp_path / "run") as writer:
        writer.write_run(fakes.run(agents=2)._replace(end=None))
    output = tmp_path / "new" / "deep" / "out"
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tmp_path / "run"), "--format", form, "-o", str(output),
              "--commit", "0" * 40])  # fmt: skip

    assert ended.value.code == 0
    assert output.exists()
    assert [] == _open_paths(tmp_path)


def test_folders_of_sessions_are_private(tmp_path):
    """Those above them that are new, too."""
    with fresh_folder(tmp_path / "reports" / "of today") as folder:
        (folder / "kept").touch(0o600)
    with private_files():
        SelftestCampaign(tmp_path / "proof" / "one", SMOKE, seed=1)
    write_atomic(tmp_path / "a" / "b" / "page.html", "x")
    make_folder(tmp_path / "c" / "d")

    assert [] == _open_paths(tmp_path)
