"""ASGI: FastAPI, Starlette, Litestar, Quart, anything; HTTP and websockets.

``ContractMiddleware`` holds every request to a contract file; ``RouteLimits`` serves the limits of
single routes, which ``ratecell.starlette`` has. Both replace the header fields that the contract
names, answer a refusal without the application, and hold permits until the last byte is sent or
given up, whether by an end, an exception or a disconnect.

A websocket is one request: its refusal is the HTTP answer to the handshake where the server
supports that, else the close with which servers answer 403; its permit is held while it is open.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import quote

from ._gate import Gate, Keys, Limits
from ._ratecell import Contract, Guard, Outcome

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OUTCOMES = "ratecell.outcomes"
"""Where the scope has the outcomes of its request so far."""


class Refused(Exception):
    """A route refused its request. ``RouteLimits`` answers it; nobody else need catch it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"refused by {outcome.rule}")
        self.outcome = outcome


class ContractMiddleware:
    """Holds every request to a contract.

    ``contract`` is a Guard, a Contract or the path of its file; with the latter two ``capacity``,
    ``when_full``, ``clock``, ``trusted_proxies`` and ``forwarded_field`` are as for Guard.

    The other options are asked of each request's scope. ``exempt`` says whether to let it pass
    unseen; ``cost`` what it costs, in units; ``values`` gives the keys of rules by "value:NAME" and
    "request_id"; ``limits`` the caller's own limits by the name of the rule. All may be coroutine
    functions. For a contract with rules before and after authentication, add it twice, with
    ``stage="before-auth"`` outside of what authenticates and ``stage="after-auth"`` inside, and a
    Guard that both share.

    The address of a request is that of the scope. A server may have replaced it by what a header
    says, as uvicorn does for proxies that it trusts; then leave ``trusted_proxies`` empty.

    >>> from ratecell.asgi import ContractMiddleware
    >>> async def app(scope, receive, send):
    ...     await send({"type": "http.response.start", "status": 204, "headers": []})
    ...     await send({"type": "http.response.body"})
    >>> from ratecell import Contract
    >>> contract = '''
    ... name = "shop"
    ... [[rule]]
    ... name = "ip"
    ... limit = "300/min"
    ... by = "ip"
    ... '''
    >>> app = ContractMiddleware(app, Contract(contract))
    """

    def __init__(
        self,
        app: App,
        contract: Guard | Contract | str | os.PathLike[str],
        *,
        stage: str = "whole",
        exempt: Callable[[Scope], bool | Awaitable[bool]] | None = None,
        cost: int | Callable[[Scope], int | Awaitable[int]] = 1,
        values: Callable[[Scope], Keys | Awaitable[Keys | None] | None] | None = None,
        limits: Callable[[Scope], Limits | Awaitable[Limits | None] | None] | None = None,
        capacity: int | None = None,
        when_full: str | None = None,
        clock: Callable[[], int] | None = None,
        trusted_proxies: Iterable[Any] | None = None,
        forwarded_field: str | None = None,
    ) -> None:
        # By name, because the types of add_middleware know no keyword arguments of any name.
        guard_options: dict[str, Any] = {
            "capacity": capacity,
            "when_full": when_full,
            "clock": clock,
            "trusted_proxies": trusted_proxies,
            "forwarded_field": forwarded_field,
        }
        self._app = app
        self._gate = Gate(
            contract,
            stage=stage,
            exempt=exempt,
            cost=cost,
            values=values,
            limits=limits,
            **{name: option for name, option in guard_options.items() if option is not None},
        )

    @property
    def guard(self) -> Guard:
        """The guard, for its ``stats``."""
        return self._gate.guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # Set up before the request is held to anything, so that what was admitted is given back
        # whatever happens next.
        answer, outermost = Answer.of(scope, send)
        try:
            outcome = (
                admit(self._gate, scope) if not self._gate.asks else await ask(self._gate, scope)
            )
            if outcome is None or outcome:
                await self._app(scope, receive, answer.send if outermost else send)
            else:
                await answer.refuse(scope, receive, outcome)
        finally:
            if outermost:
                answer.finish()


class RouteLimits:
    """Serves the limits of single routes: add it once, outside of the routes.

    It carries the header fields of the route's limits into the response, answers refusals, and
    gives permits back once the response is sent.

    >>> from ratecell.asgi import RouteLimits
    >>> app = RouteLimits(lambda scope, receive, send: None)  # app.add_middleware(RouteLimits)
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer, outermost = Answer.of(scope, send)
        try:
            await self._app(scope, receive, answer.send if outermost else send)
        except Refused as refused:
            if answer.started:
                raise
            await answer.refuse(scope, receive, refused.outcome, connected=True)
        finally:
            if outermost:
                answer.finish()


class Answer:
    """The response to a request, with the outcomes that it must show and give back."""

    __slots__ = ("_outcomes", "_send", "started")

    def __init__(self, outcomes: list[Outcome], send: Send) -> None:
        self._outcomes = outcomes
        self._send = send
        self.started = False

    @classmethod
    def of(cls, scope: Scope, send: Send) -> tuple[Answer, bool]:
        """The answer of a scope, and whether it is made here and now."""
        answer = scope.get(OUTCOMES)
        if isinstance(answer, cls):
            return answer, False
        answer = scope[OUTCOMES] = cls([], send)
        return answer, True

    def add(self, outcome: Outcome) -> None:
        """Show the fields of an outcome, and give its permits back in the end."""
        self._outcomes.append(outcome)

    @property
    def request_id(self) -> str | None:
        """The id of the request, if an outcome has shown one."""
        for outcome in self._outcomes:
            if outcome.request_id is not None:
                return outcome.request_id
        return None

    async def send(self, message: Message) -> None:
        """Send a message of the application, with the fields that the response must carry."""
        kind = message["type"]
        if kind in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            self.started = True
            if self._outcomes:
                message = {**message, "headers": self._merged(message.get("headers", ()))}
        await self._send(message)
        if kind == "http.response.body" and not message.get("more_body", False):
            # What the application does after its response, such as a background task, is its own.
            self.finish()

    async def refuse(
        self, scope: Scope, receive: Receive, outcome: Outcome, *, connected: bool = False
    ) -> None:
        """Send a refusal in place of the application's response."""
        # Last, so that its fields replace those of earlier outcomes.
        headers = outcome.merged_raw_headers(self._merged(()))
        headers += outcome.raw_headers[-2:]
        self.started = True
        prefix = ""
        if scope["type"] == "websocket":
            prefix = "websocket."
            if not connected:
                # The handshake comes first, whatever its answer is.
                await receive()
            if "websocket.http.response" not in (scope.get("extensions") or {}):
                await self._send({"type": "websocket.close", "code": 1008})
                return
        start = {"type": f"{prefix}http.response.start", "status": outcome.status}
        await self._send({**start, "headers": headers})
        # A refused HEAD names the length of the body that a GET would have had.
        body = b"" if scope.get("method") == "HEAD" else outcome.body
        await self._send({"type": f"{prefix}http.response.body", "body": body})

    def finish(self) -> None:
        """Give all permits back."""
        for outcome in self._outcomes:
            outcome.release()

    def _merged(self, headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
        """The application's fields, with those of the outcomes in their place; the last wins."""
        for outcome in self._outcomes:
            headers = outcome.merged_raw_headers(headers)
        return headers


def admit(gate: Gate, scope: Scope) -> Outcome:
    """The outcome for a scope, shown by its answer if it passes."""
    method, path, seen = _seen(scope)
    return _shown(scope, gate.decide(method, path, **seen))


async def ask(gate: Gate, scope: Scope, request: Any = None) -> Outcome | None:
    """As ``admit`` where a gate asks about its requests; None if this one is exempt."""
    method, path, seen = _seen(scope)
    outcome = await gate.admit_async(scope if request is None else request, method, path, **seen)
    return None if outcome is None else _shown(scope, outcome)


def _seen(scope: Scope) -> tuple[str, str, dict[str, Any]]:
    """What a guard looks at of a scope."""
    raw_path = scope.get("raw_path")
    client = scope.get("client")
    seen = {
        "peer": client[0] if client else None,
        "headers": scope["headers"],
        "request_id": scope[OUTCOMES].request_id,
    }
    # A websocket's handshake is a GET.
    method = scope.get("method", "GET")
    return method, raw_path.decode("latin-1") if raw_path else quote(scope["path"]), seen


def _shown(scope: Scope, outcome: Outcome) -> Outcome:
    if outcome:
        scope[OUTCOMES].add(outcome)
    return outcome
