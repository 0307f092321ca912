"""An asyncio event loop whose time passes only while every task sleeps."""

from __future__ import annotations

import asyncio
import math
import selectors
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeps take no time: the clock jumps to the next timer instead."""

    def __init__(self) -> None:
        super().__init__(_Selector(self))
        self.now_ns = 0

    def time(self) -> float:
        return self.now_ns / 1e9

    @classmethod
    def run(cls, main: Any) -> Any:
        """As ``asyncio.run``; ``main`` gets the loop."""
        loop = cls()
        try:
            return loop.run_until_complete(main(loop))
        finally:
            loop.close()


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is not None:
            self._loop.now_ns += math.ceil(timeout * 1e9)
        elif not ready:
            ready = super().select(timeout)
        return ready
