"""Limits of single routes in FastAPI and Starlette: a dependency, or a decorator.

A contract for the whole application is ``ratecell.asgi.ContractMiddleware``.
"""

# No `from __future__ import annotations`: FastAPI reads the annotation of `__call__` as it stands.
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Optional, TypeVar, Union, cast

from starlette.requests import HTTPConnection

from ._gate import Limits, route_gate
from ._ratecell import Guard, Plan
from .asgi import OUTCOMES, Refused, RouteLimits, ask

__all__ = ["RouteLimit", "RouteLimits"]

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

    As a decorator the function has a parameter called request (or websocket).
    """

    def __init__(
        self,
        rules: Union[str, Plan],
        *,
        key: Union[str, Callable[[Any], Any]],
        headers: Iterable[str] = ("ratelimit", "retry-after"),
        refused: Optional[dict[str, Union[str, int]]] = None,
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

    @property
    def guard(self) -> Guard:
        """The guard, for its ``stats``."""
        return self._gate.guard

    async def __call__(self, connection: HTTPConnection) -> None:
        """Hold a request to the limit: what FastAPI calls of a dependency."""
        scope = connection.scope
        answer = scope.get(OUTCOMES)
        if answer is None:
            message = "RouteLimit needs the middleware: app.add_middleware(RouteLimits)"
            raise RuntimeError(message)
        gate = self._gate
        if gate.asks:
            outcome = await ask(gate, answer, scope, connection)
        else:
            outcome = answer.admit(gate.guard, scope, gate.stage, gate.cost)
        if outcome is not None and not outcome:
            raise Refused(outcome)

    def limit(self, endpoint: Endpoint) -> Endpoint:
        """Decorate an endpoint of Starlette: a coroutine function of a request or websocket."""
        if not inspect.iscoroutinefunction(endpoint):
            message = f"{endpoint!r} is no coroutine function; accepted are coroutine functions"
            raise TypeError(message)

        @functools.wraps(endpoint)
        async def limited(*args: Any, **kwargs: Any) -> Any:
            given = (*args, *kwargs.values())
            connection = next((each for each in given if isinstance(each, HTTPConnection)), None)
            if connection is None:
                message = (
                    f"{endpoint!r} was called without a request; accepted is one argument of it"
                )
                raise TypeError(message)
            await self(connection)
            return await endpoint(*args, **kwargs)

        return cast("Endpoint", limited)
