"""Limits of single routes in Flask.

A contract for the whole application is ``ratecell.wsgi.ContractMiddleware`` around
``app.wsgi_app``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

import flask
from werkzeug.datastructures import Headers

from ._gate import Limits, route_gate
from ._ratecell import Guard, Outcome, Plan
from .wsgi import admit, forget, outcomes_with

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
        refused: Mapping[str, str | int] | None = None,
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

        # Flask runs a coroutine function to its end in a thread that waits for it.
        is_async = inspect.iscoroutinefunction(view)

        @functools.wraps(view)
        def limited(*args: Any, **kwargs: Any) -> Any:
            run = flask.current_app.ensure_sync(view) if is_async else view
            outcome = self._outcome()
            if outcome is None:
                return run(*args, **kwargs)
            environ = flask.request.environ
            outcomes = outcomes_with(outcome, environ)
            try:
                if not outcome:
                    return RefusalResponse(outcome, outcomes)
                flask.after_this_request(lambda response: _shown(response, outcome, outcomes))
                return run(*args, **kwargs)
            except BaseException:
                outcome.release()
                raise
            finally:
                forget(outcome, environ)

        return cast("View", limited)

    def _outcome(self) -> Outcome | None:
        """The outcome for the request of this context; None if it is exempt."""
        if not self._gate.asks:
            return admit(self._gate, flask.request.environ)
        request = flask.request._get_current_object()  # type: ignore[attr-defined]
        return admit(self._gate, request.environ, request)


class RefusalResponse(flask.Response):
    """The response of a view that refuses its request."""

    def __init__(self, outcome: Outcome, outcomes: list[Outcome]) -> None:
        headers = Headers(Outcome._merged_headers(outcomes, outcome.headers))
        super().__init__([outcome.body or b""], outcome.status, headers)

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002
        """The fields as they are: they name no location, and the length of the body."""
        return self.headers


def _shown(response: flask.Response, outcome: Outcome, outcomes: list[Outcome]) -> flask.Response:
    """The response with the outcomes' fields; one's permits are given back when it is closed."""
    response.headers = Headers(Outcome._merged_headers(outcomes, response.headers))
    if outcome.holds_permits:
        response.call_on_close(outcome.release)
    return response
