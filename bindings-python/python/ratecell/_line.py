"""Lines of those who wait for a key: who comes first is served first.

A line exists only while somebody waits in it. The first in line asks the limiter and sleeps as long
as it says; everybody else sleeps until called. So a key costs one timer, however many wait for it,
and nobody is overtaken by a later call to ``wait``. It deliberately says nothing about calls that
do not wait: ``acquire`` takes what there is.

The waiting is done by a *turn*: one for asyncio, one for trio, one for threads, and all of them may stand
in one line. Calling a turn is safe from any thread.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._ratecell import Decision


class Turn(Protocol):
    """A place in a line."""

    def call(self) -> None:
        """Wake who waits for this turn; from any thread."""


class Line:
    """Those who wait for one key, in order of arrival."""

    __slots__ = ("refusal", "turns")

    def __init__(self, refusal: Decision) -> None:
        self.refusal = refusal
        """What the first in line was told last."""
        # A linked list, so that leaving from the middle or the front costs the same.
        self.turns: OrderedDict[Turn, None] = OrderedDict()


class Lines:
    """The lines of a limiter by key. Threads may share it."""

    __slots__ = ("_by_key", "_lock")

    def __init__(self) -> None:
        self._by_key: dict[Hashable, Line] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: Hashable) -> Line | None:
        """The line for a key, if anybody waits for it."""
        return self._by_key.get(key)

    def join(self, key: Hashable, turn: Turn, refusal: Decision) -> tuple[Line, bool]:
        """Stand in line; whether as the first. A new line starts with the refusal given."""
        with self._lock:
            line = self._by_key.get(key)
            if line is None:
                line = self._by_key[key] = Line(refusal)
            line.turns[turn] = None
            return line, len(line.turns) == 1

    def leave(self, key: Hashable, line: Line, turn: Turn) -> None:
        """Leave the line; if as the first, call the next."""
        with self._lock:
            was_first = next(iter(line.turns)) is turn
            del line.turns[turn]
            if not line.turns:
                del self._by_key[key]
            elif was_first:
                next(iter(line.turns)).call()


class ThreadTurn:
    """The turn of a thread that blocks."""

    __slots__ = ("_called",)

    def __init__(self) -> None:
        self._called = threading.Event()

    def call(self) -> None:
        self._called.set()

    def wait(self, timeout: float | None) -> bool:
        """Whether it was called in time."""
        # A lock cannot wait longer than that; nobody will.
        return self._called.wait(None if timeout is None else min(timeout, threading.TIMEOUT_MAX))

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

    def call(self) -> None:
        if threading.get_ident() == self._thread:
            self._answer(True)
            return
        try:
            self._loop.call_soon_threadsafe(self._answer, True)
        except RuntimeError:
            # The loop is closed and the task will never run; it leaves the line when it is
            # collected, and calls the next then.
            pass

    def _answer(self, called: bool) -> None:
        if not self._called.done():
            self._called.set_result(called)

    async def wait(self, timeout: float | None) -> bool:
        """Whether it was called in time."""
        if timeout is None:
            return await self._called
        alarm = self._loop.call_later(timeout, self._answer, False)
        try:
            return await self._called
        finally:
            alarm.cancel()

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)


class TrioTurn:
    """The turn of a trio task."""

    __slots__ = ("_called", "_token", "_trio")

    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._called = trio.Event()

    def call(self) -> None:
        try:
            self._token.run_sync_soon(self._called.set)
        except self._trio.RunFinishedError:
            # As for a closed loop of asyncio.
            pass

    async def wait(self, timeout: float | None) -> bool:
        """Whether it was called in time."""
        with self._trio.move_on_after(float("inf") if timeout is None else timeout):
            await self._called.wait()
        return bool(self._called.is_set())

    async def sleep(self, seconds: float) -> None:
        await self._trio.sleep(seconds)


def async_turn() -> AsyncioTurn | TrioTurn:
    """A turn of the event loop that runs the caller: trio's, else asyncio's."""
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return TrioTurn(trio)
        except RuntimeError:
            # Loaded but not what runs this task.
            pass
    return AsyncioTurn()


def deadline_of(timeout: float | None, clock: Callable[[], float] = time.monotonic) -> float:
    """When to give up, in seconds of the clock; infinite for None.

    Raises TypeError or ValueError for what is no span of time.
    """
    if timeout is None:
        return float("inf")
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        message = f"timeout is {timeout!r}; accepted are seconds as an int or float, and None"
        raise TypeError(message)
    if not timeout >= 0:
        message = f"timeout is {timeout!r}; accepted are 0 seconds and more, and None"
        raise ValueError(message)
    return clock() + timeout
