"""What every client part does: wait for its turn, send, and try again what was refused.

When to send and how long to wait is the core's: see ``Pacer`` and ``Retries``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Mapping
from contextlib import suppress
from typing import Any

from ._bounds import MAX_COUNT, MAX_NS
from ._callers import Callers, Origin, caller_of
from ._ratecell import Pacer, Plan, Retries, Sent

IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))
"""Methods that do nothing twice (RFC 9110 section 9.2.2)."""


class TurnTooFar(Exception):
    """A request would have waited ``args[0]`` seconds. Each client has its own timeout for it."""

    def __str__(self) -> str:
        return f"not sent: it would have waited {self.args[0]:.3f} s, longer than max_wait"


class InFlight:
    """A request that counts as in flight until it is ended, or this is collected."""

    __slots__ = ("_pacer", "_sent")

    def __init__(self, pacer: Pacer, sent: Sent) -> None:
        self._pacer = pacer
        # Emptied by the first end, which no other can be at the same time.
        self._sent = [sent]

    def end(self) -> None:
        """Take note of its end; a second time does nothing."""
        with suppress(IndexError):
            self._pacer.ended(self._sent.pop())

    __del__ = end


class Pace:
    """How a client paces its requests and tries again. Threads may share it.

    ``plan`` is the limit that the provider has published for this client's key, if it is known, and
    ``sharers`` how many clients use the key; without one the pace is learned from what responses
    show. Each caller at an origin has a pace of its own: requests share one if ``lane_by``, a
    function of the client's request, gives equal keys for them; those of one origin with the same
    Authorization and X-Api-Key if it is None. ``max_callers`` are told apart at once; who has sent
    nothing for ten minutes makes room, and where nobody has, a request of one more fails with
    ``TooManyCallers``.

    ``retries`` is how many times a refused request is tried again, 0 for never; ``budget`` is
    for how many seconds at most. Retry-After is obeyed whatever these say, or the call is given up
    and returns the refusal. ``max_wait`` is for how many seconds a request may wait in
    all, for its turn and between tries, without the time in which they are on their way. One whose
    turn is further away fails at once with ``TooLong``, a timeout; a refused one that would have to
    wait longer is not tried again.

    A 429 says that a request was not served, so that any may be tried again. After a 503 only those
    of idempotent methods are, and only if it says when.

    ``clock`` returns Unix time in nanoseconds as an int.

    Raises ValueError for a text that is no plan, for no sharers or callers, a budget below 1 second
    and a negative max_wait; TypeError for arguments of another type.
    """

    def __init__(
        self,
        plan: str | Plan | None = None,
        *,
        sharers: int = 1,
        lane_by: Callable[[Any], Hashable] | None = None,
        max_callers: int = 10_000,
        retries: int = 3,
        budget: float = 600.0,
        max_wait: float = 600.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if not callable(clock):
            message = f"clock is {clock!r}; accepted is a callable that returns nanoseconds"
            raise TypeError(message)
        if lane_by is not None and not callable(lane_by):
            message = f"lane_by is {lane_by!r}; accepted are None and a function of the request"
            raise TypeError(message)
        self._clock = clock
        self._lane_by = lane_by
        self._retries = _number("retries", retries, 0)
        self._budget_ns = _span_ns("budget", budget, 1)
        self._max_wait_ns = _span_ns("max_wait", max_wait, 0)
        count = _number("sharers", sharers, 1)

        def new_pacer() -> Pacer:
            return Pacer(plan, sharers=count, now_ns=self._now_ns())

        self._callers = Callers(new_pacer, _number("max_callers", max_callers, 1))
        # So that what makes no sense is told now and not with the first request or refusal.
        new_pacer()
        if retries:
            self._start()

    def caller(self, request: Any, origin: Origin, headers: Mapping[str, Any]) -> Hashable:
        """Whose request it is, which goes to this origin with these header fields."""
        return caller_of(origin, headers) if self._lane_by is None else self._lane_by(request)

    def steps(
        self, caller: Hashable, method: str, can_repeat: bool
    ) -> Generator[float | None, tuple[int, list[tuple[bytes, bytes]], bytes] | None, InFlight]:
        """Yield what to do next: seconds to sleep, or None to send.

        What was sent is answered by its status, headers and, of a refusal, body. Closing the steps
        in between counts the request as failed. The last answer is the caller's, who ends what is
        returned with its body.

        Raises TurnTooFar if the turn to send is beyond ``max_wait``, and TooManyCallers.
        """
        waited_ns = 0
        pacer = self._callers.pacer(caller, self._now_ns())
        retries = self._start() if self._retries and can_repeat else None
        while True:
            now_ns = self._now_ns()
            sent = pacer.send(now_ns)
            if isinstance(sent, int):
                if waited_ns + sent > self._max_wait_ns:
                    raise TurnTooFar((waited_ns + sent) / 1e9)
                yield sent / 1e9
                waited_ns += self._since(now_ns)
                continue
            in_flight = InFlight(pacer, sent)
            try:
                answer = yield None
                assert answer is not None
                status, headers, body = answer
                now_ns = self._now_ns()
                refused, retry_after = pacer.answered(sent, now_ns, status, headers, body)
            except BaseException:
                in_flight.end()
                raise
            if not refused or retries is None:
                return in_flight
            if status == 503 and (method not in IDEMPOTENT or retry_after is None):
                return in_flight
            wait_ns = retries.wait_ns(now_ns, retry_after)
            if wait_ns is None or waited_ns + wait_ns > self._max_wait_ns:
                return in_flight
            in_flight.end()
            yield wait_ns / 1e9
            waited_ns += self._since(now_ns)

    def _start(self) -> Retries:
        return Retries(self._now_ns(), retries=self._retries, budget_ns=self._budget_ns)

    def _since(self, earlier_ns: int) -> int:
        return max(0, self._now_ns() - earlier_ns)

    def _now_ns(self) -> int:
        now_ns = self._clock()
        if isinstance(now_ns, bool) or not isinstance(now_ns, int):
            message = f"the clock returned {now_ns!r}; accepted is an int of nanoseconds"
            raise TypeError(message)
        if not 0 <= now_ns <= MAX_NS:
            message = f"the clock returned {now_ns!r}; accepted is 0 to {MAX_NS} nanoseconds"
            raise ValueError(message)
        return now_ns


def _number(name: str, number: int, least: int) -> int:
    message = f"{name} is {number!r}; accepted is an int from {least} to {MAX_COUNT}"
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(message)
    if not least <= number <= MAX_COUNT:
        raise ValueError(message)
    return number


def _span_ns(name: str, seconds: float, least: int) -> int:
    """The nanoseconds of a span; one of several centuries is one without end."""
    message = f"{name} is {seconds!r}; accepted is {least} s and more"
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(message)
    if not seconds >= least:
        raise ValueError(message)
    return MAX_NS if seconds >= MAX_NS // 10**9 else int(seconds * 1e9)


def refuses(status: int) -> bool:
    """Whether a status is that of a refusal, whose body says more."""
    return status in (429, 503)
