"""Places in a line, for threads and for asyncio; the one for trio is in ``_trio_turn``.

All of them may stand in one line. A turn is called once, from any thread.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Turn(Protocol):
    """A place in a line. What waits returns an awaitable, or blocks and returns its outcome."""

    @staticmethod
    def now() -> float:
        """Return the seconds of the clock that ``wait`` and ``sleep`` go by."""
        ...

    def call(self) -> bool:
        """Wake who waits for this turn, now or later; False if nobody can any more."""
        ...

    def wait(self, timeout: float) -> Awaitable[bool] | bool:
        """Wait to be called; whether that came in time. An infinite timeout never passes."""
        ...

    @staticmethod
    def sleep(seconds: float) -> Awaitable[None] | None:
        """Sleep for so long at least."""
        ...


class ThreadTurn:
    """The turn of a thread, which blocks."""

    __slots__ = ("_called",)

    now = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self._called = threading.Event()

    def call(self) -> bool:
        self._called.set()
        return True

    def wait(self, timeout: float) -> bool:
        # A lock takes no infinite timeout, and none longer than this.
        return self._called.wait(min(timeout, threading.TIMEOUT_MAX))

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, threading.TIMEOUT_MAX))


class AsyncioTurn:
    """The turn of an asyncio task."""

    __slots__ = ("_called", "_loop", "_thread")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._called: asyncio.Future[bool] = self._loop.create_future()

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    def call(self) -> bool:
        if threading.get_ident() == self._thread and not self._loop.is_closed():
            self._answer(True)
            return True
        # A loop that is closed raises: its task will not run.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answer, True)
            return True
        return False

    def _answer(self, called: bool) -> None:
        if not self._called.done():
            self._called.set_result(called)

    async def wait(self, timeout: float) -> bool:
        if math.isinf(timeout):
            return await self._called
        alarm = self._loop.call_later(timeout, self._answer, False)
        try:
            return await self._called
        finally:
            alarm.cancel()

    sleep = staticmethod(asyncio.sleep)


def async_turn_type() -> Any:
    """Return the class of turns for the event loop that runs the caller: trio's, else asyncio's."""
    if "trio" in sys.modules:
        from ._trio_turn import TrioTurn

        if TrioTurn.runs_here():
            return TrioTurn
    return AsyncioTurn
