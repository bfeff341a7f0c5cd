"""The worker family in asv."""

from ._adapter import case as _case


class WorkerCrash(_case("worker/crash")): ...


class WorkerScaling(_case("worker/scaling")): ...


class WorkerSharedState(_case("worker/shared-state")): ...


class WorkerStart(_case("worker/start")): ...


class WorkerTask(_case("worker/task")): ...
