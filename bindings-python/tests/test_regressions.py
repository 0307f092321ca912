"""What other Python limiters get wrong, one test each: it must stay right here."""

from __future__ import annotations

import inspect
import re

import pytest
from ratecell import Limiter


def test_a_refused_call_burns_nothing_of_what_is_left() -> None:
    limiter = Limiter("fixed 10/min", clock=lambda: 0)
    assert limiter.acquire("alice", 8)
    for _ in range(100):
        assert not limiter.acquire("alice", 3)
    assert limiter.acquire("alice", 2)


def test_a_refusal_by_one_rule_burns_nothing_of_another() -> None:
    limiter = Limiter("hour: fixed 100/h; minute: fixed 1/min", clock=lambda: 0)
    assert limiter.acquire("alice")
    for _ in range(1000):
        assert not limiter.acquire("alice")
    assert limiter.peek("alice").rules["hour"].remaining == 99


def test_a_negative_cost_refunds_nothing() -> None:
    limiter = Limiter("10/min", clock=lambda: 0)
    for call in (limiter.acquire, limiter.peek, limiter.hold, limiter.release):
        with pytest.raises(ValueError, match="cost is -5"):
            call("alice", -5)
    assert limiter.acquire("alice", 10)
    assert not limiter.acquire("alice")


def test_keys_of_several_parts_do_not_run_together() -> None:
    limiter = Limiter("1/min by tenant; 1/min by user", clock=lambda: 0)
    assert limiter.acquire({"tenant": "a", "user": "b"})
    assert limiter.acquire({"tenant": "a/b", "user": ""})
    assert limiter.acquire({"tenant": "", "user": "a/b"})
    assert limiter._identity({"tenant": "a/b"}) != limiter._identity({"tenant": "a", "user": "b"})
    with pytest.raises(TypeError, match="accepted are"):
        limiter.acquire(("a", "b"))  # type: ignore[arg-type]


def test_nobody_shares_a_bucket_by_default() -> None:
    for call in (Limiter.acquire, Limiter.peek, Limiter.hold, Limiter.limit, Limiter.wait):
        assert inspect.signature(call).parameters["key"].default is inspect.Parameter.empty


def test_every_number_of_a_header_is_an_integer() -> None:
    now_ns = 1_234_567_891
    limiter = Limiter("sliding 3/7s; 10/3s", clock=lambda: now_ns)
    for _ in range(5):
        decision = limiter.acquire("alice")
        for reset in ("unix", "seconds"):
            fields = decision.headers("x-ratelimit", "draft-6", "retry-after", reset=reset)
            assert all(re.fullmatch(r"\d+", value) for value in fields.values()), fields


def test_retry_after_stands_on_refusals_only_and_is_never_too_early() -> None:
    now_ns = 0
    limiter = Limiter("7/10s burst 1", clock=lambda: now_ns)
    allowed = limiter.acquire("alice")
    assert "Retry-After" not in allowed.headers("x-ratelimit", "retry-after")
    refused = limiter.acquire("alice")
    now_ns = int(refused.headers("retry-after")["Retry-After"]) * 1_000_000_000
    assert limiter.acquire("alice")


def test_the_wait_of_a_fixed_window_is_what_is_left_of_it() -> None:
    limiter = Limiter("fixed 1/min", clock=lambda: 45_500_000_000)
    assert limiter.acquire("alice")
    assert limiter.acquire("alice").headers("retry-after") == {"Retry-After": "15"}


def test_a_window_does_not_start_with_the_first_call() -> None:
    now_ns = 59_000_000_000
    limiter = Limiter("fixed 2/min", clock=lambda: now_ns)
    assert limiter.acquire("alice", 2)
    now_ns = 60_000_000_000
    assert limiter.acquire("alice", 2)


def test_a_flood_of_keys_frees_no_debtor() -> None:
    limiter = Limiter("fixed 1/min", capacity=100, clock=lambda: 0)
    assert limiter.acquire("alice")
    for number in range(10_000):
        limiter.acquire(number)
    assert not limiter.acquire("alice")
