"""Lines in which threads and event loops stand together, and loops that end before their turn."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest
from ratecell import Decision, Limiter

trio = pytest.importorskip("trio")


def test_threads_and_event_loops_stand_in_one_line() -> None:
    limiter = Limiter("200/s burst 1")
    assert limiter.acquire("alice")
    order: list[int] = []
    lock = threading.Lock()

    def note(number: int, decision: Decision) -> None:
        assert decision
        with lock:
            order.append(number)

    def in_thread(number: int) -> None:
        note(number, limiter.wait_sync("alice"))

    def in_asyncio(number: int) -> None:
        note(number, asyncio.run(limiter.wait("alice")))

    def in_trio(number: int) -> None:
        note(number, trio.run(limiter.wait, "alice"))

    threads = []
    for number in range(9):
        kind = (in_thread, in_asyncio, in_trio)[number % 3]
        threads.append(threading.Thread(target=kind, args=(number,)))
        threads[-1].start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    # Who arrives when is for the scheduler to say; all are served, and the line is gone.
    assert sorted(order) == list(range(9))
    assert len(limiter._lines) == 0


def test_threads_are_served_in_order_of_arrival() -> None:
    limiter = Limiter("100/s burst 1")
    assert limiter.acquire("alice")
    order: list[int] = []

    def call(number: int) -> None:
        assert limiter.wait_sync(b"alice")
        order.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(5)]
    line = None
    for number, thread in enumerate(threads):
        thread.start()
        # The next comes only once this one stands in line, or has been served already.
        while number not in order and len(line.turns if line else ()) <= number - len(order) - 1:
            line = limiter._lines.get((("key", b"alice"),))
    for thread in threads:
        thread.join(30)
    assert order == sorted(order)


class HeldClock:
    """Stands still until it is let go, then runs on from there."""

    def __init__(self) -> None:
        self._started_ns: int | None = None

    def __call__(self) -> int:
        return 0 if self._started_ns is None else time.monotonic_ns() - self._started_ns

    def let_go(self) -> None:
        self._started_ns = time.monotonic_ns()


def test_a_closed_event_loop_holds_nobody_up() -> None:
    clock = HeldClock()
    limiter = Limiter("200/s burst 1", clock=clock)
    assert limiter.acquire("alice")

    async def leave_one_behind() -> None:
        asyncio.ensure_future(limiter.wait("alice"))
        await asyncio.sleep(0)

    # asyncio.run cancels what is left; a loop that is closed without that is the hard case.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave_one_behind())
    assert len(limiter._lines) == 1
    loop.set_exception_handler(lambda loop, context: None)
    loop.close()
    gc.collect()
    clock.let_go()
    assert limiter.wait_sync("alice", timeout=60)


def test_a_task_of_a_closed_event_loop_is_passed_over() -> None:
    clock = HeldClock()
    limiter = Limiter("200/s burst 1", clock=clock)
    assert limiter.acquire("alice")

    async def start() -> Any:
        task = asyncio.ensure_future(limiter.wait("alice"))
        await asyncio.sleep(0)
        return task

    loop, closed = asyncio.new_event_loop(), asyncio.new_event_loop()
    first = loop.run_until_complete(start())
    abandoned = closed.run_until_complete(start())
    third = loop.run_until_complete(start())
    closed.set_exception_handler(lambda loop, context: None)
    closed.close()
    clock.let_go()
    try:
        assert loop.run_until_complete(asyncio.wait_for(asyncio.gather(first, third), 60))
    finally:
        loop.close()
    assert not abandoned.done()
    assert len(limiter._lines) == 0
