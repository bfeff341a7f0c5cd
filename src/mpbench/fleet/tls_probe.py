"""Probe of a scheduler's address: whether who listens there speaks TLS."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

__all__ = ("is_unencrypted",)

# What OpenSSL says of an answer that is no TLS.
_OTHER = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"}
_TIMEOUT_S = 5.0


def is_unencrypted(address: str) -> bool:
    """
    Tell whether a port answers, and not in TLS.

    Dask would try it for its whole time-out. Nobody is trusted by this: certificates
    are checked when the client connects.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        place = urlsplit(address)
        with (
            socket.create_connection((place.hostname, place.port), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain),
        ):
            return False
    except ssl.SSLError as error:
        return error.reason in _OTHER
    except (OSError, ValueError):
        return False
