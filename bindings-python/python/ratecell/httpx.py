"""Clients of httpx that keep to a provider's limits: a transport that waits, and tries again.

>>> import httpx
>>> from ratecell.httpx import PacedTransport
>>> client = httpx.Client(mounts={"https://api.example.com": PacedTransport("600/min")})

A plan is one provider's: mount the transport on the provider's address. Requests with different
Authorization or X-Api-Key, or to different origins, have paces of their own; ``Pace(lane_by=...)``
says otherwise. A request counts as in flight until its response is read or closed: where a provider
limits those, read one before waiting for the next.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx

from ._callers import TooManyCallers
from ._pace import InFlight, Pace, TurnTooFar, refuses
from ._turn import async_turn_type

__all__ = ["AsyncPacedTransport", "Pace", "PacedTransport", "TooLong", "TooManyCallers"]


class TooLong(httpx.TimeoutException):
    """A request was not sent, because its turn is further away than the pace's ``max_wait``."""


class PacedTransport(httpx.BaseTransport):
    """A transport that waits before it sends, and tries again what was refused for a limit.

    ``pace`` is a Pace, or the plan of one. ``transport`` does the sending, httpx's own if None.
    A request whose body cannot be sent twice is not tried again. The response of the last try is
    returned, a refusal too.
    """

    def __init__(
        self,
        pace: Pace | str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._pace = pace if isinstance(pace, Pace) else Pace(pace)
        self._transport = transport or httpx.HTTPTransport()
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request in its time."""
        steps = _steps(self._pace, request)
        response: httpx.Response | None = None
        try:
            step = next(steps)
            while True:
                if step is not None:
                    self._sleep(step)
                    step = next(steps)
                    continue
                if response is not None:
                    response.close()
                response = self._transport.handle_request(request)
                if refuses(response.status_code):
                    response.read()
                step = steps.send(_answer(response))
        except StopIteration as done:
            assert response is not None
            if response.is_closed:
                done.value.end()
            else:
                response.stream = _Body(response.stream, done.value)
            return response
        except TurnTooFar as wait:
            raise TooLong(str(wait), request=request) from None
        finally:
            steps.close()

    def close(self) -> None:
        """Close the transport that does the sending."""
        self._transport.close()


class AsyncPacedTransport(httpx.AsyncBaseTransport):
    """As ``PacedTransport`` for httpx.AsyncClient, under asyncio and trio."""

    def __init__(
        self,
        pace: Pace | str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        self._pace = pace if isinstance(pace, Pace) else Pace(pace)
        self._transport = transport or httpx.AsyncHTTPTransport()
        self._sleep = sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request in its time."""
        sleep = self._sleep or async_turn_type().sleep
        steps = _steps(self._pace, request)
        response: httpx.Response | None = None
        try:
            step = next(steps)
            while True:
                if step is not None:
                    await sleep(step)
                    step = next(steps)
                    continue
                if response is not None:
                    await response.aclose()
                response = await self._transport.handle_async_request(request)
                if refuses(response.status_code):
                    await response.aread()
                step = steps.send(_answer(response))
        except StopIteration as done:
            assert response is not None
            if response.is_closed:
                done.value.end()
            else:
                response.stream = _AsyncBody(response.stream, done.value)
            return response
        except TurnTooFar as wait:
            raise TooLong(str(wait), request=request) from None
        finally:
            steps.close()

    async def aclose(self) -> None:
        """Close the transport that does the sending."""
        await self._transport.aclose()


class _Body(httpx.SyncByteStream):
    """The body of a response that is in flight until it is read or closed."""

    def __init__(self, stream: Any, in_flight: InFlight) -> None:
        self._stream = stream
        self._in_flight = in_flight

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        finally:
            self._in_flight.end()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._in_flight.end()


class _AsyncBody(httpx.AsyncByteStream):
    """As ``_Body`` for httpx.AsyncClient."""

    def __init__(self, stream: Any, in_flight: InFlight) -> None:
        self._stream = stream
        self._in_flight = in_flight

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        finally:
            self._in_flight.end()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._in_flight.end()


def _steps(pace: Pace, request: httpx.Request) -> Any:
    url = request.url
    caller = pace.caller(request, (url.scheme, url.host, url.port), request.headers)
    can_repeat = isinstance(request.stream, httpx.ByteStream)
    return pace.steps(caller, request.method, can_repeat)


def _answer(response: httpx.Response) -> Any:
    body = response.content if refuses(response.status_code) else b""
    return response.status_code, response.headers.raw, body
