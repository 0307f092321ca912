"""The paces of a client by caller: each origin, and each key there, has one of its own.

A caller who has sent nothing for ten minutes makes room for another. A request that still sleeps
then goes on with the pacer that it has.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Optional

from ._ratecell import Pacer

Origin = tuple[str, Optional[str], Optional[int]]
"""The scheme, host and port of a URL; without a port it is the scheme's."""

_PORTS = {"http": 80, "https": 443}
_FIELDS = ("authorization", "x-api-key")
# Secret, so that a key is not to be found out from what is kept of it.
_SECRET = os.urandom(32)


class TooManyCallers(RuntimeError):
    """A request was not sent: there are ``max_callers`` already, and none of them is at rest."""


class Callers:
    """A pacer for each caller, of whom there are ``most``. Threads may share it."""

    __slots__ = ("_lock", "_most", "_new_pacer", "_pacers")

    def __init__(self, new_pacer: Callable[[], Pacer], most: int) -> None:
        self._new_pacer = new_pacer
        self._most = most
        self._pacers: dict[Hashable, Pacer] = {}
        self._lock = threading.Lock()

    def pacer(self, caller: Hashable, now_ns: int) -> Pacer:
        """The pacer of a caller. Raises TooManyCallers if there is room for no more."""
        known = self._pacers.get(caller)
        if known is not None:
            return known
        fresh = self._new_pacer()
        with self._lock:
            if caller not in self._pacers and len(self._pacers) >= self._most:
                self._make_room(now_ns)
            return self._pacers.setdefault(caller, fresh)

    def _make_room(self, now_ns: int) -> None:
        # All of them at once, so that the next new callers need not look again.
        for caller, pacer in list(self._pacers.items()):
            if pacer.is_at_rest(now_ns):
                del self._pacers[caller]
        if len(self._pacers) >= self._most:
            message = (
                f"not sent: it would be of one caller more than max_callers, {self._most}, and "
                "none of them is at rest; does lane_by give every request a lane of its own?"
            )
            raise TooManyCallers(message)


def caller_of(origin: Origin, headers: Mapping[str, Any]) -> Hashable:
    """Who sends a request, where nobody says. Keys are told apart and not kept."""
    scheme, host, port = origin
    values = [headers.get(field) for field in _FIELDS]
    digest = hashlib.blake2b(repr(values).encode(), key=_SECRET, digest_size=16).digest()
    return scheme, host, port or _PORTS.get(scheme), digest
