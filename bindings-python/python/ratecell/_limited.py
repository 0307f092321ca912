"""The exception of a limited function, and what makes a function one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ._gate import plain
from ._ratecell import Decision, Plan

if TYPE_CHECKING:
    from ._keys import Keys
    from ._limiter import Limiter

Function = TypeVar("Function", bound=Callable[..., Any])


class RateLimited(Exception):
    """A function decorated by ``Limiter.limit`` was called too often. Nothing else raises it.

    ``decision`` is the refusal. It can be copied and pickled.
    """

    def __init__(self, decision: Decision) -> None:
        super().__init__(str(decision))
        self.decision = decision

    def __reduce__(self) -> tuple[Any, ...]:
        """Its class, and what that is called with; the text alone would not make a refusal."""
        return type(self), (self.decision,), self.__dict__


def limited(
    limiter: Limiter,
    function: Function,
    key: Keys | Callable[..., Keys | Awaitable[Keys]],
    cost: int | Callable[..., int | Awaitable[int]],
    rules: str | Plan | Callable[..., str | Plan | Awaitable[str | Plan | None] | None] | None,
) -> Function:
    """The function behind the limiter: see ``Limiter.limit``."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        message = f"{function!r} is a generator; accepted are functions and coroutine functions"
        raise TypeError(message)
    if not callable(function) or inspect.isclass(function):
        message = f"{function!r} is no function; accepted are functions and coroutine functions"
        raise TypeError(message)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        now: list[Any] = [
            plain(ask(*args, **kwargs)) if callable(ask) else ask for ask in (key, cost, rules)
        ]
        with limiter.hold(now[0], now[1], rules=now[2]) as held:
            if not held:
                raise RateLimited(held)
            return function(*args, **kwargs)

    @functools.wraps(function)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        now: list[Any] = [
            ask(*args, **kwargs) if callable(ask) else ask for ask in (key, cost, rules)
        ]
        now = [await each if inspect.isawaitable(each) else each for each in now]
        with limiter.hold(now[0], now[1], rules=now[2]) as held:
            if not held:
                raise RateLimited(held)
            return await function(*args, **kwargs)

    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        # An object whose call is a coroutine function.
        getattr(type(function), "__call__", None)  # noqa: B004
    )
    return cast("Function", call_async if is_async else call)
