"""What every framework part does with a request: ask, admit, and leave the rest to the guard.

A gate turns the options of a middleware or route into the arguments of one call of a guard. Each
option is a value, or a function of the request; under an event loop the function may return an
awaitable. It decides nothing, and writes no header or body of its own.
"""

from __future__ import annotations

import inspect
import json
import operator
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Union

from ._ratecell import Contract, Guard, Plan

Key = Union[str, bytes, int, IPv4Address, IPv6Address]
Keys = Mapping[str, Key]
Limits = Mapping[str, Union[int, str]]

Answers = tuple[Any, Any, Any]
"""The cost, values and limits of a request."""

NAMED_KEYS = "ip, bearer, header:NAME"
_STAGES = ("before-auth", "after-auth", "whole")
_MAX_COST = 2**32 - 1


class Gate:
    """A guard, and what is asked of each request before it."""

    __slots__ = ("_exempt", "_questions", "asks", "cost", "guard", "stage")

    def __init__(
        self,
        contract: Guard | Contract | str | os.PathLike[str],
        *,
        stage: str = "whole",
        exempt: Callable[[Any], bool | Awaitable[bool]] | None = None,
        cost: int | Callable[[Any], int | Awaitable[int]] = 1,
        values: Callable[[Any], Keys | Awaitable[Keys | None] | None] | None = None,
        limits: Callable[[Any], Limits | Awaitable[Limits | None] | None] | None = None,
        **guard_options: Any,
    ) -> None:
        if isinstance(contract, Guard):
            if guard_options:
                message = f"{', '.join(guard_options)}: accepted only without a Guard of your own"
                raise TypeError(message)
            self.guard = contract
        else:
            self.guard = Guard(contract, **guard_options)
        for name, option in (("exempt", exempt), ("values", values), ("limits", limits)):
            if option is not None and not callable(option):
                message = f"{name} is {option!r}; accepted are None and a function of the request"
                raise TypeError(message)
        if stage not in _STAGES:
            message = f"stage is {stage!r}; accepted are {', '.join(_STAGES)}"
            raise ValueError(message)
        if not callable(cost):
            _check_cost(cost)
        self.stage = stage
        self._exempt = exempt
        # In the order in which they are asked.
        self._questions: tuple[Any, ...] = (cost, values, limits)
        self.asks = exempt is not None or any(map(callable, self._questions))
        # What each request costs, where nothing is asked.
        self.cost: Any = cost

    def answers(self, request: Any) -> Answers | None:
        """A request's cost, values and limits, from functions that return them; None if exempt."""
        if self._exempt is not None and _plain(self._exempt(request)):
            return None
        cost, values, limits = (
            _plain(ask(request)) if callable(ask) else ask for ask in self._questions
        )
        return cost, values, limits

    async def answers_async(self, request: Any) -> Answers | None:
        """As ``answers`` under an event loop: what the functions return is awaited."""
        if self._exempt is not None:
            exempt = self._exempt(request)
            if inspect.isawaitable(exempt):
                exempt = await exempt
            if exempt:
                return None
        found: list[Any] = []
        for ask in self._questions:
            answer = ask(request) if callable(ask) else ask
            found.append(await answer if inspect.isawaitable(answer) else answer)
        cost, values, limits = found
        return cost, values, limits


def route_gate(
    rules: str | Plan,
    *,
    key: str | Callable[[Any], Any],
    headers: Iterable[str],
    refused: Mapping[str, str | int] | None,
    cost: int | Callable[[Any], int | Awaitable[int]],
    exempt: Callable[[Any], bool | Awaitable[bool]] | None,
    limits: Callable[[Any], Limits | Awaitable[Limits | None] | None] | None,
    **guard_options: Any,
) -> Gate:
    """A gate for one route, made as if from a contract file with these rules.

    So a route answers with the same fields and bodies as a contract does.
    """
    plan = rules if isinstance(rules, Plan) else Plan(rules)
    values: Callable[[Any], Any] | None = None
    if callable(key):
        values = _values_of(key)
    elif not isinstance(key, str):
        message = f"key is {key!r}; accepted are {NAMED_KEYS}, and a function of the request"
        raise TypeError(message)
    if isinstance(headers, (str, bytes)) or not isinstance(headers, Iterable):
        message = f"headers is {headers!r}; accepted is an iterable of the names of fields"
        raise TypeError(message)
    if refused is not None and not isinstance(refused, Mapping):
        message = f"refused is {refused!r}; accepted are None and a dict"
        raise TypeError(message)
    lines = ['name = "route"']
    for rule in plan.rules:
        by = f"value:{rule.by}" if callable(key) else key
        limit = str(rule)[len(rule.name) + 2 : -len(rule.by) - 4]
        lines += ["[[rule]]", f"name = {_toml(rule.name)}", f"limit = {_toml(limit)}"]
        lines += [f"by = {_toml(by)}"]
    lines += ["[response]", f"headers = {_toml(list(headers))}"]
    if refused:
        lines += ["[response.refused]"]
        lines += [f"{_toml(name)} = {_toml(value)}" for name, value in refused.items()]
    contract = Contract("\n".join(lines))
    return Gate(contract, exempt=exempt, cost=cost, values=values, limits=limits, **guard_options)


def _toml(value: Any) -> str:
    """A text, number or list in TOML, which reads what JSON writes but for pairs of surrogates."""
    return json.dumps(value, ensure_ascii=False)


def _values_of(key: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The values of a request from its key: a mapping as it is, anything else for "key"."""

    def values(request: Any) -> Any:
        found = key(request)
        return _later(found) if inspect.isawaitable(found) else _by_dimension(found)

    async def _later(found: Awaitable[Any]) -> Any:
        return _by_dimension(await found)

    return values


def _by_dimension(found: Any) -> Any:
    return found if isinstance(found, (dict, Mapping)) else {"key": found}


def _check_cost(cost: Any) -> None:
    """Tell now and not with the first request that a cost makes no sense."""
    accepted = f"accepted are an int from 0 to {_MAX_COST}, and a function of the request"
    message = f"cost is {cost!r}; {accepted}"
    if isinstance(cost, bool) or not hasattr(cost, "__index__"):
        raise TypeError(message)
    if not 0 <= operator.index(cost) <= _MAX_COST:
        raise ValueError(message)


def _plain(answer: Any) -> Any:
    """An answer that is there already."""
    if not inspect.isawaitable(answer):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    message = f"{answer!r} has to be awaited; accepted here are functions that return their answer"
    raise TypeError(message)
