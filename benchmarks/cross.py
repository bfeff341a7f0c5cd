"""The cross family in asv."""

from ._adapter import case as _case


class CrossAttributes(_case("cross/attributes")): ...


class CrossIdleCost(_case("cross/idle-cost")): ...


class CrossOversubscription(_case("cross/oversubscription")): ...


class CrossResourceBill(_case("cross/resource-bill")): ...


class CrossStartMatrix(_case("cross/start-matrix")): ...


class CrossThreadsControl(_case("cross/threads-control")): ...


class CrossTransports(_case("cross/transports")): ...
