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

from ._gate import Gate, Keys, Limits
from ._ratecell import Answer, Contract, Guard, Outcome

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OUTCOMES = "ratecell.outcomes"
"""Where the scope has the answer with the outcomes of its request so far."""

HELD = frozenset(("http", "websocket"))
"""The scopes that are held to anything."""


class Refused(Exception):
    """A route refused its request. ``RouteLimits`` answers it; nobody else need catch it."""

    @property
    def outcome(self) -> Outcome:
        """What it is answered with."""
        outcome: Outcome = self.args[0]
        return outcome

    def __str__(self) -> str:
        return f"refused by {self.outcome.rule}"


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
        # Looked up once and not on each request.
        self._asks = self._gate.asks
        self._guard = self._gate.guard
        self._stage = self._gate.stage
        self._cost = self._gate.cost

    @property
    def guard(self) -> Guard:
        """The guard, for its ``stats``."""
        return self._guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in HELD:
            await self._app(scope, receive, send)
            return
        answer: Answer | None = scope.get(OUTCOMES)
        outermost = answer is None
        if answer is None:
            answer = scope[OUTCOMES] = Answer(send)
            send = answer.send
        # Set up before the request is held to anything, so that what was admitted is given back
        # whatever happens next.
        try:
            if self._asks:
                outcome = await ask(self._gate, answer, scope, scope)
            else:
                outcome = answer.admit(self._guard, scope, self._stage, self._cost)
            if outcome is None or outcome:
                await self._app(scope, receive, send)
            else:
                await refuse(outcome, answer, scope, receive)
        finally:
            if outermost:
                answer.finish(scope)


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
        if scope["type"] not in HELD:
            await self._app(scope, receive, send)
            return
        answer: Answer | None = scope.get(OUTCOMES)
        outermost = answer is None
        if answer is None:
            answer = scope[OUTCOMES] = Answer(send)
            send = answer.send
        try:
            await self._app(scope, receive, send)
        except Refused as refused:
            if answer.started:
                raise
            await refuse(refused.outcome, answer, scope, receive, connected=True)
        finally:
            if outermost:
                answer.finish(scope)


async def ask(gate: Gate, answer: Answer, scope: Scope, request: Any) -> Outcome | None:
    """The outcome where a gate asks about its requests; None if this one is exempt."""
    answers = await gate.answers_async(request)
    return None if answers is None else answer.admit(gate.guard, scope, gate.stage, *answers)


async def refuse(
    outcome: Outcome, answer: Answer, scope: Scope, receive: Receive, *, connected: bool = False
) -> None:
    """Send a refusal in place of the application's response."""
    headers = answer.refuse(outcome)
    prefix = ""
    if scope["type"] == "websocket":
        prefix = "websocket."
        if not connected:
            # The handshake comes first, whatever its answer is.
            await receive()
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await answer.send({"type": "websocket.close", "code": 1008})
            return
        # The server counts the body by itself; older uvicorn would name its length twice.
        headers = [field for field in headers if field[0] != b"content-length"]
    start = {"type": f"{prefix}http.response.start", "status": outcome.status, "headers": headers}
    await answer.send(start)
    # A refused HEAD names the length of the body that a GET would have had.
    body = b"" if scope.get("method") == "HEAD" else outcome.body
    await answer.send({"type": f"{prefix}http.response.body", "body": body})


async def send_last(send: Send, message: Message, answer: Answer) -> None:
    """Send the last message of a response that holds permits."""
    await send(message)
    # What the application does after its response, such as a background task, is its own.
    answer.release()
