"""Limits of single routes in FastAPI and Starlette: a dependency, or a decorator.

A contract for the whole application is ``ratecell.asgi.ContractMiddleware``.
"""

# No `from __future__ import annotations`: FastAPI reads the annotation of `__call__` as it stands.
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Optional, TypeVar, Union, cast

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ._gate import Limits, route_gate
from ._ratecell import Answer, Guard, Outcome, Plan
from .asgi import OUTCOMES, Receive, Refused, RouteLimits, Scope, Send, ask

__all__ = ["RouteLimit", "RouteLimits"]

HANDLERS = "starlette.exception_handlers"
"""Where a scope has the handlers of the application that has its route, by class first."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class RouteLimit:
    """The limit of one route, or of several that share it; the application needs ``RouteLimits``.

    ``rules`` is the text of a plan or a Plan. ``key`` is "ip", "bearer", "header:NAME", or a
    function of the request that returns the key, or a dict of keys by dimension. ``headers`` are
    the fields that responses carry, ``refused`` what a refusal says ("status", "content_type",
    "body"), both as in a contract file. ``cost``, ``exempt`` and ``limits`` are as for
    ``ContractMiddleware``, but are asked of the request. All functions may be coroutine functions.

    >>> from fastapi import Depends, FastAPI
    >>> from ratecell.starlette import RouteLimit, RouteLimits
    >>> app = FastAPI()
    >>> app.add_middleware(RouteLimits)
    >>> searches = RouteLimit("10/min", key="bearer")
    >>> @app.get("/search", dependencies=[Depends(searches)])
    ... async def search() -> str:
    ...     return "found"

    As a decorator it costs less, because a dependency is solved and its refusal raised by FastAPI.
    The function, async or not, then has a parameter for its request or websocket:

    >>> from fastapi import Request
    >>> @app.get("/names")
    ... @searches.limit
    ... async def names(request: Request) -> list[str]:
    ...     return ["found"]
    """

    def __init__(
        self,
        rules: Union[str, Plan],
        *,
        key: Union[str, Callable[[Any], Any]],
        headers: Iterable[str] = ("ratelimit", "retry-after"),
        refused: Optional[Mapping[str, Union[str, int]]] = None,
        cost: Union[int, Callable[[Any], Union[int, Awaitable[int]]]] = 1,
        exempt: Optional[Callable[[Any], Union[bool, Awaitable[bool]]]] = None,
        limits: Optional[Callable[[Any], Union[Limits, Awaitable[Optional[Limits]], None]]] = None,
        **guard_options: Any,
    ) -> None:
        self._gate = route_gate(
            rules,
            key=key,
            headers=headers,
            refused=refused,
            cost=cost,
            exempt=exempt,
            limits=limits,
            **guard_options,
        )
        self._asks = self._gate.asks

    @property
    def guard(self) -> Guard:
        """The guard, for its ``stats``."""
        return self._gate.guard

    async def __call__(self, connection: HTTPConnection) -> None:
        """Hold a request to the limit: what FastAPI calls of a dependency."""
        outcome = await self._outcome(connection) if self._asks else self._admit(connection)
        if outcome is not None and not outcome:
            _answer_where_it_is_raised(connection.scope)
            raise Refused(outcome)

    def limit(self, endpoint: Endpoint) -> Endpoint:
        """Decorate an endpoint: a function or coroutine function of a request and of more.

        One of a websocket is a coroutine function. What it returns for a refusal is the response,
        so keep it next to the route. A function runs in a thread, and so do the functions that it
        asks: they return their answers.
        """
        is_generator = inspect.isgeneratorfunction(endpoint) or inspect.isasyncgenfunction(endpoint)
        if not callable(endpoint) or inspect.isclass(endpoint) or is_generator:
            message = f"{endpoint!r} is no endpoint; accepted are functions and coroutine functions"
            raise TypeError(message)

        @functools.wraps(endpoint)
        def limited(*args: Any, **kwargs: Any) -> Any:
            connection = _connection_in(endpoint, args, kwargs)
            outcome = self._outcome_now(connection) if self._asks else self._admit(connection)
            if outcome is None or outcome:
                return endpoint(*args, **kwargs)
            return RefusalResponse(outcome)

        @functools.wraps(endpoint)
        async def limited_async(*args: Any, **kwargs: Any) -> Any:
            connection = _connection_in(endpoint, args, kwargs)
            outcome = await self._outcome(connection) if self._asks else self._admit(connection)
            if outcome is None or outcome:
                return await endpoint(*args, **kwargs)
            if connection.scope["type"] == "websocket":
                raise Refused(outcome)
            return RefusalResponse(outcome)

        is_async = inspect.iscoroutinefunction(endpoint)
        return cast("Endpoint", limited_async if is_async else limited)

    def _admit(self, connection: HTTPConnection) -> Outcome:
        scope = connection.scope
        gate = self._gate
        return _answer_of(scope).admit(gate.guard, scope, gate.stage, gate.cost)

    async def _outcome(self, connection: HTTPConnection) -> Optional[Outcome]:
        """As ``_admit`` where functions are asked; None if the request is exempt."""
        return await ask(self._gate, _answer_of(connection.scope), connection.scope, connection)

    def _outcome_now(self, connection: HTTPConnection) -> Optional[Outcome]:
        """As ``_outcome`` in a thread."""
        gate, scope = self._gate, connection.scope
        answers = gate.answers(connection)
        return (
            None
            if answers is None
            else _answer_of(scope).admit(gate.guard, scope, gate.stage, *answers)
        )


class RefusalResponse(Response):
    """The response of a route that refuses its request."""

    def __init__(self, outcome: Outcome) -> None:
        # Not what Response does: the fields are known when it is sent.
        self.status_code = cast("int", outcome.status)
        self.body = cast("bytes", outcome.body)
        self.background = None
        self.raw_headers = []
        self._outcome = outcome

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [*self.raw_headers, *_answer_of(scope).refuse(self._outcome)]
        start = {"type": "http.response.start", "status": self.status_code, "headers": headers}
        await send(start)
        # A refused HEAD names the length of the body that a GET would have had.
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


def _connection_in(
    endpoint: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> HTTPConnection:
    """The request or websocket among the arguments of an endpoint."""
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, HTTPConnection):
            return argument
    message = f"{endpoint!r} was called without a request; accepted is one argument of it"
    raise TypeError(message)


def _answer_where_it_is_raised(scope: Scope) -> None:
    """Have the application that has the route answer a refusal, unless it has a handler of its own.

    A mounted application would answer what it has no handler for with a 500, before ``RouteLimits``
    around the application that mounts it sees what was raised.
    """
    by_class, *_ = cast("tuple[dict[Any, Any], ...]", scope.get(HANDLERS, ({},)))
    by_class.setdefault(Refused, _refusal_response)


async def _refusal_response(connection: HTTPConnection, refused: Refused) -> Response:
    if connection.scope["type"] == "websocket":
        raise refused
    return RefusalResponse(refused.outcome)


def _answer_of(scope: Scope) -> Answer:
    answer: Optional[Answer] = scope.get(OUTCOMES)
    if answer is None:
        message = "RouteLimit needs the middleware: app.add_middleware(RouteLimits)"
        raise RuntimeError(message)
    return answer
