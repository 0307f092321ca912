"""Sessions of requests that keep to a provider's limits: an adapter that waits, and tries again.

>>> import requests
>>> from ratecell.requests import PacedAdapter
>>> session = requests.Session()
>>> session.mount("https://api.example.com", PacedAdapter("600/min"))

A plan is one provider's: mount the adapter on the provider's address. Requests with different
Authorization or X-Api-Key, or to different origins, have paces of their own; ``Pace(lane_by=...)``
says otherwise. A request counts as in flight until its response is read; with ``stream=True``,
until its header is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from ._callers import TooManyCallers
from ._pace import Pace, TurnTooFar, refuses

__all__ = ["Pace", "PacedAdapter", "TooLong", "TooManyCallers"]


class TooLong(requests.exceptions.Timeout):
    """A request was not sent, because its turn is further away than the pace's ``max_wait``."""


class PacedAdapter(HTTPAdapter):
    """An adapter that waits before it sends, and tries again what was refused for a limit.

    ``pace`` is a Pace, or the plan of one. ``adapter`` does the sending, this one itself if None;
    the other arguments are HTTPAdapter's. A request whose body cannot be sent twice is not tried
    again. The response of the last try is returned, a refusal too.
    """

    def __init__(
        self,
        pace: Pace | str | None = None,
        *,
        adapter: HTTPAdapter | None = None,
        sleep: Callable[[float], object] = time.sleep,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._pace = pace if isinstance(pace, Pace) else Pace(pace)
        self._adapter = adapter
        self._sleep = sleep

    def __getstate__(self) -> dict[str, Any]:
        """Refuse to be copied or pickled: what is known of the pace would be lost."""
        message = "cannot pickle a PacedAdapter; mount one of its own in each process"
        raise TypeError(message)

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **options: Any
    ) -> requests.Response:
        """Send a request in its time."""
        send = super().send if self._adapter is None else self._adapter.send
        can_repeat = request.body is None or isinstance(request.body, (bytes, str))
        url = urlsplit(request.url or "")
        caller = self._pace.caller(request, (url.scheme, url.hostname, url.port), request.headers)
        steps = self._pace.steps(caller, request.method or "GET", can_repeat)
        response: requests.Response | None = None
        try:
            step = next(steps)
            while True:
                if step is not None:
                    self._sleep(step)
                    step = next(steps)
                    continue
                if response is not None:
                    response.close()
                response = send(request, stream, *args, **options)
                # Read before its connection is given back; requests keeps it for the caller.
                body = response.content if refuses(response.status_code) else b""
                step = steps.send((response.status_code, _fields(response), body))
        except StopIteration as done:
            assert response is not None
            try:
                if not stream:
                    # What the session does next; requests keeps it for the caller.
                    _ = response.content
            finally:
                done.value.end()
            return response
        except TurnTooFar as wait:
            raise TooLong(str(wait), request=request) from None
        finally:
            steps.close()


def _fields(response: requests.Response) -> list[tuple[bytes, bytes]]:
    """The header fields as bytes; urllib3 has decoded them from Latin-1."""
    return [
        (name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in response.headers.items()
    ]
