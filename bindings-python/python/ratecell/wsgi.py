"""WSGI: Flask, Bottle, Pyramid, anything.

``ContractMiddleware`` holds every request to a contract file: it replaces the header fields that
the contract names, answers a refusal without the application, and holds permits until the server
closes the response, whether by an end, an exception or a disconnect.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from ._gate import Gate, Keys, Limits
from ._ratecell import Contract, Guard, Outcome

Environ = dict[str, Any]
REQUEST_ID = "ratecell.request_id"
OUTCOMES = "ratecell.outcomes"
"""Where the environ has the outcomes of its request so far, the outermost layer's first."""


class ContractMiddleware:
    """Holds every request to a contract.

    ``contract`` is a Guard, a Contract or the path of its file; with the latter two ``capacity``,
    ``when_full``, ``clock``, ``trusted_proxies`` and ``forwarded_field`` are as for Guard.

    The other options are asked of each request's environ. ``exempt`` says whether to let it pass
    unseen; ``cost`` what it costs, in units; ``values`` gives the keys of rules by "value:NAME" and
    "request_id"; ``limits`` the caller's own limits by the name of the rule.

    The address of a request is REMOTE_ADDR. WSGI gives paths decoded, so that an encoded slash
    cannot be told from a slash, and an exempt path is exempt under every spelling. Servers join the
    lines of a field that came several times by commas: such a key is one of its own, as it is for
    the application.

    >>> from flask import Flask
    >>> from ratecell import Contract
    >>> from ratecell.wsgi import ContractMiddleware
    >>> contract = Contract('''
    ... name = "shop"
    ... [[rule]]
    ... name = "ip"
    ... limit = "300/min"
    ... by = "ip"
    ... ''')
    >>> app = Flask("shop")
    >>> app.wsgi_app = ContractMiddleware(app.wsgi_app, contract)
    """

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        contract: Guard | Contract | str | os.PathLike[str],
        *,
        stage: str = "whole",
        exempt: Callable[[Environ], bool] | None = None,
        cost: int | Callable[[Environ], int] = 1,
        values: Callable[[Environ], Keys | None] | None = None,
        limits: Callable[[Environ], Limits | None] | None = None,
        **guard_options: Any,
    ) -> None:
        self._app = app
        self._gate = Gate(
            contract,
            stage=stage,
            exempt=exempt,
            cost=cost,
            values=values,
            limits=limits,
            **guard_options,
        )

    @property
    def guard(self) -> Guard:
        """The guard, for its ``stats``."""
        return self._gate.guard

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        outcome = admit(self._gate, environ)
        if outcome is None:
            return self._app(environ, start_response)
        merged = Outcome._merged_headers
        outcomes = outcomes_with(outcome, environ)
        try:
            if not outcome:
                start_response(status_line(outcome), merged(outcomes, outcome.headers))
                return [b"" if environ["REQUEST_METHOD"] == "HEAD" else outcome.body or b""]

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                return start_response(status, merged(outcomes, headers), *rest)

            body = self._app(environ, start)
        except BaseException:
            outcome.release()
            raise
        finally:
            forget(outcome, environ)
        return _Body(body, outcome) if outcome.holds_permits else body


class _Body:
    """The body of a response that gives its permits back when the server closes it."""

    __slots__ = ("_body", "_outcome")

    def __init__(self, body: Iterable[bytes], outcome: Outcome) -> None:
        self._body = body
        self._outcome = outcome

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._outcome.release()


def admit(gate: Gate, environ: Environ, request: Any = None) -> Outcome | None:
    """The outcome for an environ; None if it is exempt."""
    if not gate.asks:
        return gate.guard._admit_environ(environ, gate.stage, gate.cost)
    answers = gate.answers(environ if request is None else request)
    return None if answers is None else gate.guard._admit_environ(environ, gate.stage, *answers)


def outcomes_with(outcome: Outcome, environ: Environ) -> list[Outcome]:
    """All outcomes of a request so far, with one more.

    Each layer writes the fields of all, so that the innermost has the word and what a layer further
    out writes again is the same.
    """
    outcomes: list[Outcome] = environ.setdefault(OUTCOMES, [])
    outcomes.append(outcome)
    return outcomes


def forget(outcome: Outcome, environ: Environ) -> None:
    """Let go of the outcomes as their outermost layer is left: an environ may be used again."""
    if environ.get(OUTCOMES, ())[:1] == [outcome]:
        del environ[OUTCOMES]


def status_line(outcome: Outcome) -> str:
    """The status of a refusal with its reason."""
    code = outcome.status or HTTPStatus.TOO_MANY_REQUESTS
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"{code} Refused"
