"""A place in a line for trio; imported only where trio is."""

from __future__ import annotations

from contextlib import suppress

import trio


class TrioTurn:
    """The turn of a trio task."""

    __slots__ = ("_called", "_token")

    now = staticmethod(trio.current_time)
    sleep = staticmethod(trio.sleep)

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._called = trio.Event()

    @staticmethod
    def runs_here() -> bool:
        """Return whether trio runs the caller."""
        try:
            trio.lowlevel.current_trio_token()
        except RuntimeError:
            return False
        return True

    def call(self) -> bool:
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._called.set, idempotent=True)
            return True
        return False

    async def wait(self, timeout: float) -> bool:
        with trio.move_on_after(timeout):
            await self._called.wait()
        return self._called.is_set()
