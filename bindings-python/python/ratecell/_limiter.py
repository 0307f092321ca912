"""The limiter: its native calls, and what is made of them for waiting and for functions."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from ._limited import limited
from ._line import Lines
from ._ratecell import Decision, LimiterBase, Plan
from ._turn import ThreadTurn, async_turn_type

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._keys import Keys

Function = TypeVar("Function", bound=Callable[..., Any])


class Limiter(LimiterBase):
    """Rules with a table of keys each and a clock: what a service asks on every request.

    ``rules`` is a text such as ``"600/min burst 20"`` or ``"ip: fixed 300/min by ip; sliding
    600/min"``, or a ``Plan``. ``capacity`` is for how many keys each rule has room at once; memory
    is taken now and never grows, 32 bytes a key, or 170 for a sliding rule of 14 segments. With
    ``when_full="deny"`` a new key that finds no room is refused with the verdict "full"; with
    ``"allow"`` it passes uncharged; ``stats`` counts both. A key that owes is never pushed out.

    ``clock`` is a callable that returns nanoseconds as an int, 0 to 2**63 - 1, on any base; without
    one time is the system's monotonic clock, set to Unix time when the limiter is made, so that
    fixed windows fall on the minutes of the wall clock.

    Raises ValueError for a text that is no plan and for a capacity of 0, TypeError for arguments of
    another type, MemoryError if the memory cannot be had.

    >>> limiter = Limiter("600/min burst 2", capacity=10_000, clock=lambda: 0)
    >>> bool(limiter.acquire("alice", 2)), bool(limiter.acquire("alice"))
    (True, False)
    """

    __slots__ = ("_lines",)

    _lines: Lines

    def __new__(
        cls,
        rules: str | Plan,
        *,
        capacity: int = 65_536,
        when_full: Literal["deny", "allow"] = "deny",
        clock: Callable[[], int] | None = None,
    ) -> Self:
        self = super().__new__(cls, rules, capacity=capacity, when_full=when_full, clock=clock)
        self._lines = Lines()
        return self

    async def wait(
        self,
        key: Keys,
        cost: int = 1,
        *,
        rules: str | Plan | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """As ``acquire``, but waits for a refusal of known length to pass, in order of arrival.

        Those who wait for the same key stand in one line, whatever their event loops and threads,
        and are served first come, first served; a call of ``acquire`` in between takes what there
        is. A refusal that no known wait ends (``never``, or permits that others hold) is returned
        at once, and so is one that would take longer than ``timeout`` seconds. Whoever is still
        behind others when the time is up gets the refusal that the first in line waits on.

        Works under asyncio and trio, and so under anyio. Cancelling it takes nothing and leaves the
        line.

        >>> import asyncio
        >>> limiter = Limiter("100/s burst 1")
        >>> async def three() -> list[bool]:
        ...     return [bool(await limiter.wait("alice")) for _ in range(3)]
        >>> asyncio.run(three())
        [True, True, True]
        """
        steps = self._steps(key, cost, rules, timeout, async_turn_type())
        try:
            step = next(steps)
            while True:
                step = steps.send(await step)
        except StopIteration as answered:
            return cast("Decision", answered.value)
        finally:
            steps.close()

    def wait_sync(
        self,
        key: Keys,
        cost: int = 1,
        *,
        rules: str | Plan | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """As ``wait`` for a thread: it blocks until the call passes or cannot pass in time.

        >>> limiter = Limiter("1/min", clock=lambda: 0)
        >>> limiter.wait_sync("alice")
        <Decision gcra: allowed: 0 of 1 left>
        >>> limiter.wait_sync("alice", timeout=0.5)
        <Decision gcra: denied: 0 of 1 left, retry after 60s>
        """
        steps = self._steps(key, cost, rules, timeout, ThreadTurn)
        try:
            step = next(steps)
            while True:
                step = steps.send(step)
        except StopIteration as answered:
            return cast("Decision", answered.value)
        finally:
            steps.close()

    def _steps(
        self,
        key: Keys,
        cost: int,
        rules: str | Plan | None,
        timeout: float | None,
        turn_type: Any,
    ) -> Generator[Any, Any, Decision]:
        """Yield one wait after the other, each to be sent its outcome, and return the decision.

        What a turn of a thread yields has happened; what one of an event loop yields is awaited.
        """
        deadline = turn_type.now() + _span(timeout)
        who = self._identity(key)
        line = self._lines.get(who)
        if line is None:
            decision = self.acquire(key, cost, rules=rules)
            if decision:
                return decision
        else:
            decision = self.peek(key, cost, rules=rules)
        if not decision and not _passes_by(deadline, decision, turn_type.now()):
            return decision
        # What is allowed has to wait for those who were there before, and for what they wait for.
        refusal = line.refusal if line and decision else decision
        turn = turn_type()
        line, is_first = self._lines.join(who, turn, refusal)
        try:
            if not is_first and not (yield turn.wait(max(0.0, deadline - turn.now()))):
                return line.refusal
            while True:
                decision = self.acquire(key, cost, rules=rules)
                if decision or not _passes_by(deadline, decision, turn.now()):
                    return decision
                line.refusal = decision
                yield turn.sleep(decision.retry_after)
        finally:
            self._lines.leave(who, line, turn)

    def limit(
        self,
        key: Keys | Callable[..., Keys | Awaitable[Keys]],
        *,
        cost: int | Callable[..., int | Awaitable[int]] = 1,
        rules: (
            str | Plan | Callable[..., str | Plan | Awaitable[str | Plan | None] | None] | None
        ) = None,
    ) -> Callable[[Function], Function]:
        """Decorate a function or coroutine function: a refused call raises ``RateLimited``.

        ``key``, ``cost`` and ``rules`` are values, or callables that get the arguments of each
        call; for a coroutine function they may return awaitables. Permits are held until the
        function returns or raises.

        >>> from ratecell import RateLimited
        >>> limiter = Limiter("1/min", clock=lambda: 0)
        >>> @limiter.limit(key=lambda user: user)
        ... def greet(user: str) -> str:
        ...     return f"hello {user}"
        >>> greet("alice")
        'hello alice'
        >>> try:
        ...     greet("alice")
        ... except RateLimited as limited:
        ...     limited.decision.retry_after
        60.0
        """
        return lambda function: limited(self, function, key, cost, rules)


def _span(timeout: float | None) -> float:
    """The seconds of a timeout; infinite for None."""
    if timeout is None:
        return math.inf
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        message = f"timeout is {timeout!r}; accepted are seconds as an int or float, and None"
        raise TypeError(message)
    if not timeout >= 0:
        message = f"timeout is {timeout!r}; accepted are 0 seconds and more, and None"
        raise ValueError(message)
    try:
        return float(timeout)
    except OverflowError:  # An int may be longer than any float.
        return math.inf


def _passes_by(deadline: float, decision: Decision, now: float) -> bool:
    """Whether a refusal is for a known time, which ends by the deadline."""
    return decision.retry_after is not None and now + decision.retry_after <= deadline
