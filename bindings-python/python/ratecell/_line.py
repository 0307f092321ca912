"""Lines of those who wait for a key: who comes first is served first.

A line exists only while somebody waits in it. The first in line asks the limiter and sleeps as long
as it says; everybody else sleeps until called. So a key costs one timer, however many wait for it,
and nobody is overtaken by a later call to ``wait``. It deliberately says nothing about calls that
do not wait: ``acquire`` takes what there is.

A forked child starts with no lines: whoever stands in its parent's is not there to leave them.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._ratecell import Decision
    from ._turn import Turn


class Line:
    """Those who wait for one key, in order of arrival."""

    __slots__ = ("refusal", "turns")

    def __init__(self, refusal: Decision) -> None:
        self.refusal = refusal
        """What the first in line was told last."""
        # A linked list, so that leaving from the middle costs no more than from the front.
        self.turns: OrderedDict[Turn, None] = OrderedDict()


class Lines:
    """The lines of a limiter by key. Threads may share it."""

    __slots__ = ("__weakref__", "_by_key", "_lock")

    def __init__(self) -> None:
        self.forget()
        _ALL.add(self)

    def forget(self) -> None:
        """Have no lines, whoever stands in one."""
        self._by_key: dict[Hashable, Line] = {}
        # Reentrant, because the collector may close a forgotten wait, which leaves its line, while
        # this very thread is inside.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: Hashable) -> Line | None:
        """The line for a key, if anybody waits for it."""
        return self._by_key.get(key)

    def join(self, key: Hashable, turn: Turn, refusal: Decision) -> tuple[Line, bool]:
        """Stand in line, and whether as the first. A new line starts with the refusal given."""
        with self._lock:
            line = self._by_key.get(key)
            if line is None:
                line = self._by_key[key] = Line(refusal)
            line.turns[turn] = None
            return line, len(line.turns) == 1

    def leave(self, key: Hashable, line: Line, turn: Turn) -> None:
        """Leave the line; if as the first, call the next."""
        with self._lock:
            was_first = next(iter(line.turns), None) is turn
            line.turns.pop(turn, None)
            if was_first:
                # One that can no longer be called is not there to leave, or will when it is
                # collected.
                while line.turns and not next(iter(line.turns)).call():
                    line.turns.popitem(last=False)
            if not line.turns and self._by_key.get(key) is line:
                del self._by_key[key]


_ALL: weakref.WeakSet[Lines] = weakref.WeakSet()


def _forget_all() -> None:
    for lines in list(_ALL):
        lines.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
