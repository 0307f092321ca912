"""What every client part does: wait for its turn, send, and try again what was refused.

When to send and how long to wait is the core's: see ``Pacer`` and ``Retries``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from ._ratecell import Pacer, Plan, Retries

_MAX_NUMBER = 2**32 - 1
_MAX_NS = 2**63 - 1


class Pace:
    """How a client paces its requests and tries again. Threads may share it.

    ``plan`` is the limit that the provider has published for this client's key, if it is known, and
    ``sharers`` how many clients use the key; without one the pace is learned from what responses
    show. ``retries`` is how many times a refused request is tried again, 0 for never; ``budget`` is
    for how many seconds at most. Retry-After is obeyed whatever these say, or the call is given up
    and returns the refusal.

    ``clock`` returns Unix time in nanoseconds as an int.

    Raises ValueError for a text that is no plan, for no sharers, and a budget below 1 second;
    TypeError for arguments of another type.
    """

    def __init__(
        self,
        plan: str | Plan | None = None,
        *,
        sharers: int = 1,
        retries: int = 3,
        budget: float = 600.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if not callable(clock):
            message = f"clock is {clock!r}; accepted is a callable that returns nanoseconds"
            raise TypeError(message)
        self._clock = clock
        self._retries = _number("retries", retries, 0)
        self._budget_ns = _budget_ns(budget)
        self._pacer = Pacer(plan, sharers=_number("sharers", sharers, 1), now_ns=self._now_ns())
        if retries:
            # So that what makes no sense is told now and not with the first refusal.
            self._start()

    def steps(
        self, can_repeat: bool
    ) -> Generator[float | None, tuple[int, list[tuple[bytes, bytes]], bytes] | None, None]:
        """Yield what to do next: seconds to sleep, or None to send.

        What was sent is answered by its status, headers and, of a refusal, body. Closing the steps
        in between counts the request as failed. The last answer is the caller's.
        """
        retries = self._start() if self._retries and can_repeat else None
        while True:
            sent = self._pacer.send(self._now_ns())
            if isinstance(sent, int):
                yield sent / 1e9
                continue
            answered = False
            try:
                answer = yield None
                assert answer is not None
                status, headers, body = answer
                now_ns = self._now_ns()
                refused, retry_after = self._pacer.finished(sent, now_ns, status, headers, body)
                answered = True
            finally:
                if not answered:
                    self._pacer.failed(sent)
            if not refused or retries is None:
                return
            wait_ns = retries.wait_ns(self._now_ns(), retry_after)
            if wait_ns is None:
                return
            yield wait_ns / 1e9

    def _start(self) -> Retries:
        return Retries(self._now_ns(), retries=self._retries, budget_ns=self._budget_ns)

    def _now_ns(self) -> int:
        now_ns = self._clock()
        if isinstance(now_ns, bool) or not isinstance(now_ns, int):
            message = f"the clock returned {now_ns!r}; accepted is an int of nanoseconds"
            raise TypeError(message)
        if not 0 <= now_ns <= _MAX_NS:
            message = f"the clock returned {now_ns!r}; accepted is 0 to {_MAX_NS} nanoseconds"
            raise ValueError(message)
        return now_ns


def _number(name: str, number: int, least: int) -> int:
    message = f"{name} is {number!r}; accepted is an int from {least} to {_MAX_NUMBER}"
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(message)
    if not least <= number <= _MAX_NUMBER:
        raise ValueError(message)
    return number


def _budget_ns(budget: float) -> int:
    """The nanoseconds of a budget; one of several centuries is one without end."""
    message = f"budget is {budget!r}; accepted are 1 second and more"
    if isinstance(budget, bool) or not isinstance(budget, (int, float)):
        raise TypeError(message)
    if not budget >= 1:
        raise ValueError(message)
    return _MAX_NS if budget >= _MAX_NS // 10**9 else int(budget * 1e9)


def refuses(status: int) -> bool:
    """Whether a status is that of a refusal, whose body says more."""
    return status in (429, 503)


Steps = Generator[Any, Any, None]
