"""Threads and processes: not one unit too many, and not one too few."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading

import pytest
from ratecell import Contract, Guard, Limiter

from .servers import until

THREADS = 8
CALLS = 5_000


def in_threads(call: object) -> None:
    start = threading.Barrier(THREADS)

    def run() -> None:
        start.wait()
        for _ in range(CALLS):
            call()  # type: ignore[operator]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=run) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("kind", ["gcra", "fixed", "sliding"])
def test_8_threads_are_admitted_exactly_the_limit(kind: str) -> None:
    limit = THREADS * CALLS // 2
    limiter = Limiter(f"{kind} {limit}/h", clock=lambda: 0)
    admitted: list[None] = []

    def call() -> None:
        if limiter.acquire("alice"):
            admitted.append(None)

    in_threads(call)
    assert len(admitted) == limit


def test_8_threads_share_out_permits_and_give_every_one_back() -> None:
    limiter = Limiter("concurrency 3")
    held: list[None] = []
    most: list[int] = []

    def call() -> None:
        with limiter.hold("alice") as permit:
            if permit:
                held.append(None)
                most.append(len(held))
                held.pop()

    in_threads(call)
    assert 1 <= max(most) <= 3
    assert limiter.peek("alice").remaining == 3


def test_a_plan_is_charged_whole_or_not_at_all() -> None:
    limiter = Limiter("a: fixed 1000/h; b: fixed 1500/h", clock=lambda: 0)
    in_threads(lambda: limiter.acquire("alice"))
    left = limiter.peek("alice", 0).rules
    assert (left["a"].remaining, left["b"].remaining) == (0, 500)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork_each_process_goes_on_with_a_copy_of_its_own() -> None:
    limiter = Limiter("10/h", clock=lambda: 0)
    assert limiter.acquire("alice", 4)
    context = multiprocessing.get_context("fork")
    left = context.SimpleQueue()

    def child() -> None:
        left.put([bool(limiter.acquire("alice", 6)), bool(limiter.acquire("alice"))])

    children = [context.Process(target=child) for _ in range(2)]
    for process in children:
        process.start()
    assert [left.get() for _ in children] == [[True, False]] * 2
    for process in children:
        process.join()
    assert limiter.peek("alice").remaining == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_who_waits_in_the_parent_holds_nobody_up_in_a_forked_child() -> None:
    limiter = Limiter("5/s burst 1")
    assert limiter.acquire("alice")
    thread = threading.Thread(target=limiter.wait_sync, args=("alice",))
    thread.start()
    until(lambda: len(limiter._lines) == 1)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=limiter.wait_sync, args=("alice",))
    child.start()
    child.join(10)
    child.kill()
    thread.join()
    assert child.exitcode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_children_draw_chance_of_their_own() -> None:
    shown = Contract(
        """
        name = "shop"
        [[rule]]
        name = "ip"
        limit = "fixed 9/h"
        by = "ip"
        [response.always]
        "Request-Id" = "{request_id}"
        """
    )
    guard = Guard(shown)
    ids = {guard.admit("GET", "/").request_id}
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    children = [
        context.Process(target=lambda: queue.put(guard.admit("GET", "/").request_id))
        for _ in range(3)
    ]
    for child in children:
        child.start()
    ids |= {queue.get() for _ in children} | {guard.admit("GET", "/").request_id}
    for child in children:
        child.join()
    assert len(ids) == 5
