"""Limits of single routes in Flask.

A contract for the whole application is ``ratecell.wsgi.ContractMiddleware`` around
``app.wsgi_app``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import flask

from ._gate import Limits, route_gate
from ._ratecell import Guard, Outcome, Plan
from .wsgi import admit

View = TypeVar("View", bound=Callable[..., Any])


class RouteLimit:
    """The limit of one view, or of several that share it.

    ``rules`` is the text of a plan or a Plan. ``key`` is "ip", "bearer", "header:NAME", or a
    function of the request that returns the key, or a dict of keys by dimension. ``headers`` are
    the fields that responses carry, ``refused`` what a refusal says ("status", "content_type",
    "body"), both as in a contract file. ``cost``, ``exempt`` and ``limits`` are as for
    ``ContractMiddleware``, but are asked of the request.

    >>> import flask
    >>> from ratecell.flask import RouteLimit
    >>> app = flask.Flask("shop")
    >>> searches = RouteLimit("10/min", key="ip")
    >>> @app.get("/search")
    ... @searches.limit
    ... def search() -> str:
    ...     return "found"
    >>> client = app.test_client()
    >>> client.get("/search").headers["RateLimit"]
    '"gcra";r=9;t=54'
    >>> [client.get("/search").status_code for _ in range(10)][-1]
    429
    """

    def __init__(
        self,
        rules: str | Plan,
        *,
        key: str | Callable[[flask.Request], Any],
        headers: Iterable[str] = ("ratelimit", "retry-after"),
        refused: dict[str, str | int] | None = None,
        cost: int | Callable[[flask.Request], int] = 1,
        exempt: Callable[[flask.Request], bool] | None = None,
        limits: Callable[[flask.Request], Limits | None] | None = None,
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

    def limit(self, view: View) -> View:
        """Decorate a view; below ``app.route``."""
        if not callable(view):
            message = f"{view!r} is no view; accepted are functions and coroutine functions"
            raise TypeError(message)

        @functools.wraps(view)
        def limited(*args: Any, **kwargs: Any) -> Any:
            request = cast("flask.Request", flask.request._get_current_object())  # type: ignore[attr-defined]
            # Flask runs a coroutine function to its end in a thread that waits for it.
            run = flask.current_app.ensure_sync(view)
            outcome = admit(self._gate, request.environ, request)
            if outcome is None:
                return run(*args, **kwargs)
            if not outcome:
                return _refusal(outcome)
            flask.after_this_request(lambda response: _shown(response, outcome))
            try:
                return run(*args, **kwargs)
            except BaseException:
                outcome.release()
                raise

        return cast("View", limited)


def _refusal(outcome: Outcome) -> flask.Response:
    response = flask.Response(outcome.body, outcome.status)
    return _shown(response, outcome)


def _shown(response: flask.Response, outcome: Outcome) -> flask.Response:
    """The response with the outcome's fields, and its permits given back when it is closed."""
    for name, value in outcome.headers:
        response.headers[name] = value
    response.call_on_close(outcome.release)
    return response
