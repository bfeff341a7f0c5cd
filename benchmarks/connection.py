"""The connection family in asv."""

from ._adapter import case as _case


class ConnectionChallenge(_case("connection/challenge")): ...


class ConnectionClients(_case("connection/clients")): ...


class ConnectionConnect(_case("connection/connect")): ...


class ConnectionHandlePassing(_case("connection/handle-passing")): ...


class ConnectionNoListener(_case("connection/no-listener")): ...


class ConnectionRoundTrip(_case("connection/round-trip")): ...


class ConnectionWait(_case("connection/wait")): ...


class ConnectionWaitSentinels(_case("connection/wait-sentinels")): ...


class ConnectionWrongKey(_case("connection/wrong-key")): ...
