"""Waiting: in order of arrival, cancellable, with timeouts, on every event loop."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ratecell import Limiter

from .virtual_loop import VirtualLoop

trio = pytest.importorskip("trio")
trio_testing = pytest.importorskip("trio.testing")


class Asyncio:
    """Tasks of asyncio, in virtual time."""

    def run(self, main: Callable[[Asyncio], Awaitable[None]]) -> None:
        async def start(loop: VirtualLoop) -> None:
            self.loop = loop
            await main(self)

        VirtualLoop.run(start)

    def now_ns(self) -> int:
        return self.loop.now_ns

    async def all_of(self, calls: list[Callable[[], Awaitable[None]]]) -> None:
        async def one(call: Callable[[], Awaitable[None]]) -> None:
            await call()

        tasks = []
        for call in calls:
            tasks.append(asyncio.ensure_future(one(call)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    async def cancelled_after(self, seconds: float, call: Callable[[], Awaitable[Any]]) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call(), seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Trio:
    """Tasks of trio, in virtual time."""

    def run(self, main: Callable[[Trio], Awaitable[None]]) -> None:
        async def start() -> None:
            await main(self)

        trio.run(start, clock=trio_testing.MockClock(autojump_threshold=0))

    def now_ns(self) -> int:
        return math.ceil(trio.current_time() * 1e9)

    async def all_of(self, calls: list[Callable[[], Awaitable[None]]]) -> None:
        async with trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(call)
                await trio_testing.wait_all_tasks_blocked()

    async def cancelled_after(self, seconds: float, call: Callable[[], Awaitable[Any]]) -> None:
        with trio.move_on_after(seconds) as scope:
            await call()
        assert scope.cancelled_caught

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


both = pytest.mark.parametrize("tasks", [Asyncio(), Trio()], ids=["asyncio", "trio"])


class Waits:
    """A limiter in virtual time, and what its waiters were answered, in order."""

    def __init__(self, tasks: Asyncio | Trio, rules: str) -> None:
        self.tasks = tasks
        self.limiter = Limiter(rules, clock=tasks.now_ns)
        self.answers: list[tuple[str, bool, float]] = []

    def wait(self, name: str, *arguments: Any, **named: Any) -> Callable[[], Awaitable[None]]:
        async def call() -> None:
            decision = await self.limiter.wait(*(arguments or ("alice",)), **named)
            self.answers.append((name, bool(decision), round(self.tasks.now_ns() / 1e9, 3)))

        return call


@both
def test_waiters_are_served_in_order_of_arrival_whatever_their_costs(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "10/s burst 10")
        assert waits.limiter.acquire("alice", 10)
        await tasks.all_of(
            [
                waits.wait("a", "alice", 5),
                waits.wait("b"),
                waits.wait("c", "alice", 3),
                waits.wait("d"),
            ]
        )
        assert waits.answers == [
            ("a", True, 0.5),
            ("b", True, 0.6),
            ("c", True, 0.9),
            ("d", True, 1.0),
        ]
        assert len(waits.limiter._lines) == 0

    tasks.run(main)


@both
def test_who_could_pass_but_stands_in_line_takes_nothing_before_its_turn(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "10/s burst 10")
        assert waits.limiter.acquire("alice", 8)
        await tasks.all_of([waits.wait("a", "alice", 5), waits.wait("b")])
        assert waits.answers == [("a", True, 0.3), ("b", True, 0.4)]

    tasks.run(main)


@both
def test_who_runs_out_of_time_is_told_what_the_first_in_line_waits_for_by_then(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 5")
        assert waits.limiter.acquire("alice", 5)
        told = []

        async def late() -> None:
            told.append(await waits.limiter.wait("alice", timeout=3))

        # From the first second on, the first in line is one who waits for five units.
        await tasks.all_of([waits.wait("a"), waits.wait("b", "alice", 5), late])
        assert [refusal.retry_after for refusal in told] == [5.0]

    tasks.run(main)


@both
def test_keys_do_not_wait_for_each_other(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 1")
        assert waits.limiter.acquire("alice")
        await tasks.all_of(
            [waits.wait("a"), waits.wait("b", {"key": "bob"}), waits.wait("c", b"alice")]
        )
        assert waits.answers == [("b", True, 0.0), ("a", True, 1.0), ("c", True, 2.0)]

    tasks.run(main)


@both
def test_a_wait_that_cannot_pass_in_time_ends_at_once(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 1")
        assert waits.limiter.acquire("alice")
        await waits.wait("short", timeout=0.9)()
        await waits.wait("none", timeout=0)()
        await waits.wait("exact", timeout=1)()
        assert waits.answers == [("short", False, 0.0), ("none", False, 0.0), ("exact", True, 1.0)]

    tasks.run(main)


@both
def test_who_runs_out_of_time_behind_others_takes_nothing_and_lets_the_next_go(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 1")
        assert waits.limiter.acquire("alice")
        calls = [waits.wait("a"), waits.wait("b", timeout=1.5), waits.wait("c", timeout=10)]
        await tasks.all_of(calls)
        # b stands first from 1.0 on, and 2.0 is beyond its time.
        assert waits.answers == [("a", True, 1.0), ("b", False, 1.0), ("c", True, 2.0)]
        calls = [waits.wait("d"), waits.wait("e"), waits.wait("f", timeout=1.5), waits.wait("g")]
        await tasks.all_of(calls)
        assert waits.answers[3:] == [
            ("d", True, 3.0),
            ("f", False, 3.5),
            ("e", True, 4.0),
            ("g", True, 5.0),
        ]

    tasks.run(main)


@both
def test_what_no_known_wait_ends_is_answered_at_once(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "5/s")
        await waits.wait("never", "alice", 6)()
        permits = Waits(tasks, "concurrency 1")
        await permits.wait("taken")()
        await permits.wait("refused")()
        assert waits.answers == [("never", False, 0.0)]
        assert permits.answers == [("taken", True, 0.0), ("refused", False, 0.0)]

    tasks.run(main)


@both
def test_a_cancelled_wait_takes_nothing_and_leaves_the_line(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 1")
        assert waits.limiter.acquire("alice")

        def cancelled(seconds: float) -> Callable[[], Awaitable[None]]:
            return lambda: tasks.cancelled_after(seconds, lambda: waits.limiter.wait("alice"))

        # The first is cancelled while it sleeps, the third while it stands behind.
        await tasks.all_of([cancelled(0.5), waits.wait("b"), cancelled(0.25), waits.wait("d")])
        assert waits.answers == [("b", True, 1.0), ("d", True, 2.0)]
        assert len(waits.limiter._lines) == 0

    tasks.run(main)


@both
def test_who_comes_later_hears_at_once_what_no_wait_in_time_changes(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 2")
        assert waits.limiter.acquire("alice", 2)

        async def wrong() -> None:
            with pytest.raises(ValueError, match="cost is -1"):
                await waits.limiter.wait("alice", -1)
            assert tasks.now_ns() == 0

        await tasks.all_of(
            [
                waits.wait("a"),
                waits.wait("never", "alice", 3),
                waits.wait("short", timeout=0.5),
                wrong,
                waits.wait("b"),
            ]
        )
        assert waits.answers == [
            ("never", False, 0.0),
            ("short", False, 0.0),
            ("a", True, 1.0),
            ("b", True, 2.0),
        ]

    tasks.run(main)


@both
def test_a_key_is_one_however_its_dimension_is_given(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 1")
        assert waits.limiter.acquire("alice")
        await tasks.all_of(
            [
                waits.wait("a"),
                waits.wait("b", {"key": "alice"}),
                waits.wait("c", {"org": "acme", "key": b"alice"}),
                waits.wait("d"),
            ]
        )
        assert [name for name, _, _ in waits.answers] == ["a", "b", "c", "d"]

    tasks.run(main)


@both
def test_an_error_of_the_call_leaves_the_line(tasks: Any) -> None:
    async def main(tasks: Any) -> None:
        waits = Waits(tasks, "1/s burst 1")
        assert waits.limiter.acquire("alice")

        async def wrong() -> None:
            with pytest.raises(ValueError, match="rule 0"):
                await waits.limiter.wait("alice", rules="fixed 5/s")

        await tasks.all_of([waits.wait("a"), wrong, waits.wait("c")])
        assert waits.answers == [("a", True, 1.0), ("c", True, 2.0)]

    tasks.run(main)


@pytest.mark.parametrize(
    ("timeout", "error"),
    [(-1, ValueError), (math.nan, ValueError), ("1", TypeError), (True, TypeError)],
)
def test_timeouts(timeout: Any, error: type[Exception]) -> None:
    limiter = Limiter("1/min")
    with pytest.raises(error, match=f"timeout is {timeout!r}; accepted are"):
        limiter.wait_sync("alice", timeout=timeout)
    with pytest.raises(error, match=f"timeout is {timeout!r}; accepted are"):
        asyncio.run(limiter.wait("alice", timeout=timeout))


def test_anyio_waits() -> None:
    anyio = pytest.importorskip("anyio")

    async def main() -> None:
        limiter = Limiter("1000/s burst 1")
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(limiter.wait, "alice")
        assert not limiter.acquire("alice", 2)

    for backend in ("asyncio", "trio"):
        anyio.run(main, backend=backend)


def test_timeouts_longer_than_any_float_never_pass() -> None:
    assert Limiter("1/min").wait_sync("alice", timeout=10**400)


def test_a_million_waits_and_cancellations_leave_nothing_behind() -> None:
    """RATECELL_SOAK=1 for the whole million; each round is 1,000 waits, half of them cancelled."""
    rounds = 1000 if os.environ.get("RATECELL_SOAK") == "1" else 20

    async def one_round(loop: VirtualLoop, limiter: Limiter) -> None:
        waits = [asyncio.ensure_future(limiter.wait(f"user {n % 10}")) for n in range(1000)]
        await asyncio.sleep(0)
        cancelled = [wait for wait in waits[::2] if wait.cancel()]
        # The first of each key may have been answered at once.
        assert 490 <= len(cancelled) <= 500
        answers = await asyncio.gather(*waits, return_exceptions=True)
        assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == len(
            cancelled
        )
        assert all(answers)
        assert len(limiter._lines) == 0

    async def main(loop: VirtualLoop) -> None:
        limiter = Limiter("1000/s burst 1", clock=lambda: loop.now_ns, capacity=64)
        for _ in range(5):
            await one_round(loop, limiter)
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(rounds):
            await one_round(loop, limiter)
        gc.collect()
        # One block more for each round would be seen in the whole million.
        assert sys.getallocatedblocks() - before < 1_000

    VirtualLoop.run(main)
