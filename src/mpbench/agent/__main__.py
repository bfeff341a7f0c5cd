"""
Entry of the measuring interpreter: `python -m mpbench.agent REQUESTS REPLIES [SCRIPT]`.

The two numbers are inherited descriptors. With SCRIPT the interpreter behaves
like an ordinary script of that path: spawn and forkserver children run it
again. Without, `__main__` is an empty module, so that it adds nothing to what
they cost (asv's own `__main__` made spawn 2.7 and forkserver 15 times slower).
"""

from __future__ import annotations

import os
import sys
import types


def _replace_main(script: list[str]) -> None:
    """Put a neutral module, or the declared script, in the place of `__main__`."""
    module = types.ModuleType("__main__")
    module.__spec__ = None
    if script:
        module.__file__ = script[0]
        sys.argv = [script[0]]
    else:
        sys.argv = ["-c"]
    sys.modules["__main__"] = module


def _mark_semaphores(tag: str) -> None:
    """
    Put the agent's tag into the names of its semaphores; children inherit it.

    So a name in /dev/shm that a power cut left is known to be ours. It is the
    prefix that multiprocessing itself keeps for this (`agent.tree.tag_prefix`
    has its form); an interpreter without it goes on with its own names.
    """
    import multiprocessing  # noqa: PLC0415 - after __main__ was replaced

    settings = getattr(multiprocessing.current_process(), "_config", {})
    if tag and "semprefix" in settings:
        settings["semprefix"] = f"/mpb-{tag}"


def _main(arguments: list[str]) -> None:
    reader, writer = int(arguments[0]), int(arguments[1])
    # A spawned or executed child must not hold the controller's channel.
    os.set_inheritable(reader, False)
    os.set_inheritable(writer, False)
    # Spawned children are told the whole path by their parent.
    sys.path += filter(None, os.environ.get("MPBENCH_LATER", "").split(os.pathsep))
    _replace_main(arguments[2:3])

    from mpbench.agent.protocol import Channel  # noqa: PLC0415 - after __main__ was replaced
    from mpbench.agent.serve import serve  # noqa: PLC0415

    _mark_semaphores(os.environ.get("MPBENCH_TAG", ""))
    serve(Channel(reader, writer))


if __name__ == "__main__":
    # The old __main__ must outlive the call: clearing it would take `sys` away.
    _KEEP = sys.modules["__main__"]
    _main(sys.argv[1:])
