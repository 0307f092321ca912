"""What every client part does: wait for its turn, send, and try again what was refused.

When to send and how long to wait is the core's: see ``Pacer`` and ``Retries``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from ._ratecell import Pacer, Plan, Retries


class Pace:
    """How a client paces its requests and tries again. Threads may share it.

    ``plan`` is the limit that the provider has published for this client's key, if it is known, and
    ``sharers`` how many clients use the key; without one the pace is learned from what responses
    show. ``retries`` is how many times a refused request is tried again, 0 for never; ``budget`` is
    for how many seconds at most. Retry-After is obeyed whatever these say, or the call is given up
    and returns the refusal.

    Raises ValueError for a text that is no plan, for no sharers, and a budget below 1 second.
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
        self._clock = clock
        self._retries = retries
        self._budget_ns = int(budget * 1e9)
        self._pacer = Pacer(plan, sharers=sharers, now_ns=clock())
        if retries < 0:
            message = f"retries is {retries}; accepted is 0 and more"
            raise ValueError(message)
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
            sent = self._pacer.send(self._clock())
            if isinstance(sent, int):
                yield sent / 1e9
                continue
            answered = False
            try:
                answer = yield None
                assert answer is not None
                status, headers, body = answer
                now_ns = self._clock()
                refused, retry_after = self._pacer.finished(sent, now_ns, status, headers, body)
                answered = True
            finally:
                if not answered:
                    self._pacer.failed(sent)
            if not refused or retries is None:
                return
            wait_ns = retries.wait_ns(self._clock(), retry_after)
            if wait_ns is None:
                return
            yield wait_ns / 1e9

    def _start(self) -> Retries:
        return Retries(self._clock(), retries=self._retries, budget_ns=self._budget_ns)


def refuses(status: int) -> bool:
    """Whether a status is that of a refusal, whose body says more."""
    return status in (429, 503)


Steps = Generator[Any, Any, None]
