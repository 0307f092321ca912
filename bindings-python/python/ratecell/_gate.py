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
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Union

from ._bounds import MAX_COUNT
from ._ratecell import Contract, Guard, Plan

Key = Union[str, bytes, int, IPv4Address, IPv6Address]
Keys = Mapping[str, Key]
Limits = Mapping[str, Union[int, str]]

Answers = tuple[Any, Any, Any]
"""The cost, values and limits of a request."""

NAMED_KEYS = "ip, bearer, header:NAME"
_STAGES = ("before-auth", "after-auth", "whole")


class Gate:
    """A guard, and what is asked of each request before it."""

    __slots__ = ("_exempt", "_questions", "_values_from", "asks", "cost", "guard", "stage")

    def __init__(
        self,
        contract: Guard | Contract | str | os.PathLike[str],
        *,
        stage: str = "whole",
        exempt: Callable[[Any], bool | Awaitable[bool]] | None = None,
        cost: int | Callable[[Any], int | Awaitable[int]] = 1,
        values: Callable[[Any], Keys | Awaitable[Keys | None] | None] | None = None,
        values_from: Callable[[Any], Keys] | None = None,
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
        # What makes values of what is answered; None if they are it.
        self._values_from = values_from
        self.asks = exempt is not None or any(map(callable, self._questions))
        # What each request costs, where nothing is asked.
        self.cost: Any = cost

    def answers(self, request: Any) -> Answers | None:
        """A request's cost, values and limits, from functions that return them; None if exempt."""
        if self._exempt is not None and plain(self._exempt(request)):
            return None
        cost, values, limits = (
            plain(ask(request)) if callable(ask) else ask for ask in self._questions
        )
        if self._values_from is not None:
            values = self._values_from(values)
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
        if self._values_from is not None:
            values = self._values_from(values)
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
    if not isinstance(rules, (str, Plan)):
        message = f'rules is {rules!r}; accepted are a str such as "600/min" and a Plan'
        raise TypeError(message)
    plan = Plan(rules)
    message = f"key is {key!r}; accepted are {NAMED_KEYS}, and a function of the request"
    if not isinstance(key, str) and not callable(key):
        raise TypeError(message)
    if isinstance(key, str) and key.startswith("value:"):
        # Nothing would give the value, and no request would be held to the limit.
        raise ValueError(message)
    return Gate(
        Guard(_route_contract(plan, key, headers, refused), **guard_options),
        exempt=exempt,
        cost=cost,
        values=key if callable(key) else None,
        values_from=_by_dimension(_own_dimension(plan)) if callable(key) else None,
        limits=limits,
    )


def _route_contract(
    plan: Plan,
    key: str | Callable[[Any], Any],
    headers: Iterable[str],
    refused: Mapping[str, str | int] | None,
) -> Contract:
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
    try:
        return Contract("\n".join(lines))
    except ValueError as error:
        # Its places are those of a text that nobody has written.
        raise ValueError(re.sub(r"(?m)^\d+:\d+: ", "", str(error))) from None


def _toml(value: Any) -> str:
    """A text, number or list in TOML, which reads what JSON writes but for pairs of surrogates."""
    return json.dumps(value, ensure_ascii=False)


def _own_dimension(plan: Plan) -> str | None:
    """The dimension that a key alone is for: "key", or the plan's only one."""
    dimensions = {rule.by for rule in plan.rules}
    if "key" in dimensions:
        return "key"
    return dimensions.pop() if len(dimensions) == 1 else None


def _by_dimension(own_dimension: str | None) -> Callable[[Any], Keys]:
    """What makes values of a key: a mapping as it is, else what the dimension of its own is for."""

    def by_dimension(found: Any) -> Keys:
        if isinstance(found, (dict, Mapping)):
            return found
        if own_dimension is None:
            message = f"key gave {found!r}; accepted is a dict, as the plan has several dimensions"
            raise ValueError(message)
        return {own_dimension: found}

    return by_dimension


def _check_cost(cost: Any) -> None:
    """Tell now and not with the first request that a cost makes no sense."""
    accepted = f"accepted are an int from 0 to {MAX_COUNT}, and a function of the request"
    message = f"cost is {cost!r}; {accepted}"
    if isinstance(cost, bool) or not hasattr(cost, "__index__"):
        raise TypeError(message)
    if not 0 <= operator.index(cost) <= MAX_COUNT:
        raise ValueError(message)


def plain(answer: Any) -> Any:
    """An answer that is there already."""
    if not inspect.isawaitable(answer):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    message = f"{answer!r} has to be awaited; accepted here are functions that return their answer"
    raise TypeError(message)
