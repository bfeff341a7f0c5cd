"""Base classes of the suite, and the core selection that asv measures by default."""

import os

try:
    from mpbench.integrations.asv import case as _measured
except ImportError:
    _measured = None

_METHODS = ["fork", "spawn", "forkserver"]

# What `asv run` measures without MPBENCH_ASV=full. The values stand here, so that they mean the
# same at every commit.
CORE = {
    "condition/event-set-to-wake": {"method": _METHODS, "waiters": [1]},
    "condition/ping-pong": {"method": _METHODS, "lock": ["RLock"]},
    "connection/connect": {"method": _METHODS, "family": ["AF_UNIX"], "key_bytes": [32]},
    "cross/transports": {
        "method": _METHODS,
        "transport": ["pipe", "queue", "shared-memory"],
        "payload_bytes": [65536],
    },
    "floor/empty-call": {},
    "floor/memory-copy": {"payload_bytes": [1048576]},
    "floor/os-fork-wait": {},
    "floor/os-pipe-round-trip": {"payload_bytes": [64]},
    "floor/posix-spawn": {},
    "floor/semlock": {},
    "lock/contended": {
        "method": _METHODS,
        "workers": [2],
        "critical_ns": [1000],
        "outside_ns": [1000],
    },
    "lock/uncontended": {"kind": ["Lock", "RLock"]},
    "manager/access": {"method": _METHODS, "kind": ["list", "Value"]},
    "manager/start": {"method": _METHODS},
    "peer/concurrent-futures-round-trip": {"method": _METHODS},
    "pipe/one-way": {"method": _METHODS, "payload_bytes": [64], "form": ["bytes"]},
    "pipe/round-trip": {"method": _METHODS, "payload_bytes": [64, 65536], "form": ["bytes"]},
    "pool/apply-round-trip": {"method": _METHODS, "call": ["apply"]},
    "pool/first-map": {"method": _METHODS, "workers": [2]},
    "pool/task-overhead": {
        "method": _METHODS,
        "call": ["map", "imap", "starmap"],
        "chunk_size": [1, 32],
        "tasks": [512],
        "workers": [2],
    },
    "process/start-to-join": {"method": _METHODS},
    "process/start-to-ready": {"method": _METHODS, "main": ["neutral"]},
    "queue/put-delivered": {"method": _METHODS, "kind": ["Queue"], "payload_bytes": [64]},
    "queue/round-trip": {
        "method": _METHODS,
        "kind": ["Queue", "SimpleQueue"],
        "payload_bytes": [64],
    },
    "shared/access": {"method": _METHODS, "kind": ["Value", "Array"], "operation": ["read"]},
    "shared/memory-attach": {"method": _METHODS, "payload_bytes": [1048576]},
    "worker/task": {"kind": ["pool-forkserver", "thread-executor"], "payload_bytes": [0]},
}


def case(name):
    """
    Return the base class of a workload.

    asv collects nothing from an empty one: outside of the core selection, and at a commit
    without the adapters.
    """
    if _measured is None:
        return type(name, (), {})
    if os.environ.get("MPBENCH_ASV") == "full":
        return _measured(name)
    if name not in CORE:
        return type(name, (), {})
    base, core = _measured(name), CORE[name]
    # A parameter that a commit has and the list has not takes its first value, so that a number
    # of a combination means the same at every commit.
    names = list(getattr(base, "param_names", core))
    values = list(getattr(base, "params", core.values()))
    params = {key: core.get(key, values[place][:1]) for place, key in enumerate(names)}
    return type("Core", (base,), {"param_names": list(params), "params": list(params.values())})
