"""Django: a contract for the whole project, and limits of single views; sync and async.

Permits are held until the response is closed, which Django does once it is sent or given up.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from ._gate import Gate, Limits, route_gate
from ._ratecell import Guard, Outcome, Plan
from .wsgi import OUTCOMES, REQUEST_ID, forget, outcomes_with

View = TypeVar("View", bound=Callable[..., Any])

_FUNCTIONS = ("exempt", "cost", "values", "limits")


class ContractMiddleware:
    """Holds every request to the contract that the settings name.

    In ``MIDDLEWARE`` it is "ratecell.django.ContractMiddleware"; above what it is to protect.
    ``RATECELL`` in the settings has its options: "contract", the path of the file, a Contract or a
    Guard; and those of ``ratecell.wsgi.ContractMiddleware``, whose functions are asked of Django's
    request, and may be given as dotted paths. Under ASGI they may be coroutine functions.

    For a contract with rules before and after authentication subclass it with another
    ``setting_name`` for each stage, and a Guard that both share.
    """

    sync_capable = True
    async_capable = True
    setting_name = "RATECELL"

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        options = dict(getattr(settings, self.setting_name, None) or {})
        if "contract" not in options:
            message = (
                f'{self.setting_name} has no "contract"; accepted are a path, Contract or Guard'
            )
            raise ImproperlyConfigured(message)
        for name in _FUNCTIONS:
            if isinstance(options.get(name), str):
                options[name] = import_string(options[name])
        self._gate = Gate(options.pop("contract"), **options)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    @property
    def guard(self) -> Guard:
        """The guard, for its ``stats``."""
        return self._gate.guard

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._call_async(request)
        outcome = _admitted(self._gate, request)
        if outcome is not None and not outcome:
            return _refusal(request, outcome)
        try:
            response = self._get_response(request)
        except BaseException:
            _give_up(request, outcome)
            raise
        return _shown(request, response, outcome)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        outcome = await _admitted_async(self._gate, request)
        if outcome is not None and not outcome:
            return _refusal(request, outcome)
        try:
            response = await self._get_response(request)
        except BaseException:
            _give_up(request, outcome)
            raise
        return _shown(request, response, outcome)


class RouteLimit:
    """The limit of one view, or of several that share it.

    ``rules`` is the text of a plan or a Plan. ``key`` is "ip", "bearer", "header:NAME", or a
    function of the request that returns the key, or a dict of keys by dimension. ``headers`` are
    the fields that responses carry, ``refused`` what a refusal says ("status", "content_type",
    "body"), both as in a contract file. ``cost``, ``exempt`` and ``limits`` are asked of the
    request. For an async view all functions may be coroutine functions.

    >>> from ratecell.django import RouteLimit
    >>> searches = RouteLimit("10/min", key=lambda request: request.user.pk)
    >>> @searches.limit
    ... def search(request):
    ...     return HttpResponse("found")
    """

    def __init__(
        self,
        rules: str | Plan,
        *,
        key: str | Callable[[HttpRequest], Any],
        headers: Iterable[str] = ("ratelimit", "retry-after"),
        refused: Mapping[str, str | int] | None = None,
        cost: int | Callable[[HttpRequest], int | Awaitable[int]] = 1,
        exempt: Callable[[HttpRequest], bool | Awaitable[bool]] | None = None,
        limits: Callable[[HttpRequest], Limits | Awaitable[Limits | None] | None] | None = None,
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
        """Decorate a view: a function or coroutine function of a request and more."""
        if not callable(view) or inspect.isclass(view):
            message = f"{view!r} is no view; accepted are functions and coroutine functions"
            raise TypeError(message)

        @functools.wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            outcome = _admitted(self._gate, request)
            if outcome is not None and not outcome:
                return _refusal(request, outcome)
            try:
                response = view(request, *args, **kwargs)
            except BaseException:
                _give_up(request, outcome)
                raise
            return _shown(request, response, outcome)

        @functools.wraps(view)
        async def limited_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            outcome = await _admitted_async(self._gate, request)
            if outcome is not None and not outcome:
                return _refusal(request, outcome)
            try:
                response = await view(request, *args, **kwargs)
            except BaseException:
                _give_up(request, outcome)
                raise
            return _shown(request, response, outcome)

        return cast("View", limited_async if _is_async(view) else limited)


def _is_async(view: Any) -> bool:
    """Whether what a view returns is to be awaited.

    The methods of an async class-based view return coroutines, ``dispatch`` too, though it is a
    plain function; ``method_decorator`` gives them bound, in a partial.
    """
    if iscoroutinefunction(view):
        return True
    method = view.func if isinstance(view, functools.partial) else view
    return getattr(getattr(method, "__self__", None), "view_is_async", False) is True


def _admitted(gate: Gate, request: HttpRequest) -> Outcome | None:
    """The outcome for a request; None if it is exempt."""
    answers = gate.answers(request)
    return None if answers is None else _decided(gate, request, *answers)


async def _admitted_async(gate: Gate, request: HttpRequest) -> Outcome | None:
    """As ``_admitted`` under an event loop."""
    answers = await gate.answers_async(request)
    return None if answers is None else _decided(gate, request, *answers)


def _decided(gate: Gate, request: HttpRequest, cost: Any, values: Any, limits: Any) -> Outcome:
    # Django's META is an environ under WSGI and ASGI alike.
    request_id = request.META.get(REQUEST_ID)
    if request_id is not None:
        values = {"request_id": request_id, **(values or {})}
    outcome = gate.guard.admit(
        request.method or "GET",
        # Django has decoded the path from UTF-8; this is its way back.
        request.get_full_path().partition("?")[0],
        peer=request.META.get("REMOTE_ADDR"),
        environ=request.META,
        values=values,
        limits=limits,
        cost=cost,
        stage=cast("Any", gate.stage),
    )
    if outcome.request_id is not None:
        request.META[REQUEST_ID] = outcome.request_id
    outcomes_with(outcome, request.META)
    return outcome


def _refusal(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    response = HttpResponse(outcome.body or b"", status=outcome.status)
    _write(request, response, outcome)
    return response


def _shown(
    request: HttpRequest, response: HttpResponseBase, outcome: Outcome | None
) -> HttpResponseBase:
    """The response with the outcome's fields, and its permits given back when it is closed."""
    if outcome is None:
        return response
    _write(request, response, outcome)
    if outcome.holds_permits:
        close = response.close

        def close_and_release() -> None:
            try:
                close()
            finally:
                outcome.release()

        response.close = close_and_release
    return response


def _write(request: HttpRequest, response: HttpResponseBase, outcome: Outcome) -> None:
    """The fields of the outcomes of a request in place of the response's own."""
    outcomes = request.META.get(OUTCOMES, [outcome])
    for name, value in Outcome._merged_headers(outcomes, outcome.headers):
        response[name] = value
    forget(outcome, request.META)


def _give_up(request: HttpRequest, outcome: Outcome | None) -> None:
    if outcome is not None:
        outcome.release()
        forget(outcome, request.META)
