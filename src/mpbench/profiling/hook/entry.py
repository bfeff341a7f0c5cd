"""
Start-up code of every process of a profiled program (`sitecustomize`).

`mpbench profile` copies this file as `sitecustomize.py` to the front of
PYTHONPATH. It wraps multiprocessing, takes its own folder off the path again
and then runs the `sitecustomize` that it hid, if the user has one.
"""

import os
import sys

__all__ = ()


def _profile() -> None:
    """Install the wrappers, if this process belongs to a profiled program."""
    if os.environ.get("MPBENCH_PROFILE_DIR") and sys.version_info >= (3, 9):
        from _mpbench_hook.install import install  # noqa: PLC0415 - found beside this file only

        install()


def _override() -> None:
    """Install the overrides, if the program is to be run with any."""
    given = os.environ.get("MPBENCH_OVERRIDES")
    if given and sys.version_info >= (3, 9):
        from _mpbench_hook.overrides import install  # noqa: PLC0415 - found beside this file only

        install(given)


def _chain(folder: str) -> None:
    """Run the sitecustomize that would have been found without this one."""
    from importlib.machinery import PathFinder  # noqa: PLC0415 - kept out of the user's names

    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != folder]
    spec = PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec  # noqa: PLC0415 - dear, and rarely needed

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


try:
    _override()
    _profile()
finally:
    _chain(os.path.dirname(os.path.abspath(__file__)))
