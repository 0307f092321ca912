"""Bad arguments: the right exception, and a sentence that says what was found and is accepted."""

from __future__ import annotations

import decimal
import fractions
import ipaddress
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from ratecell import Limiter, Plan

CALLS: list[Callable[..., Any]] = [Limiter.acquire, Limiter.peek, Limiter.hold]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("key", "error", "sentence"),
    [
        (None, TypeError, "key is None; accepted are str, bytes, int, ipaddress"),
        (True, TypeError, "key is True; accepted are"),
        (1.5, TypeError, "key is 1.5; accepted are"),
        (float("nan"), TypeError, "key is nan; accepted are"),
        (bytearray(b"a"), TypeError, "key is bytearray"),
        (("ip", "key"), TypeError, "key is \\('ip', 'key'\\); accepted are"),
        (["a"], TypeError, "accepted are"),
        (uuid.UUID(int=7), TypeError, "accepted are"),
        (ipaddress.ip_network("192.0.2.0/24"), TypeError, "accepted are"),
        (-1, ValueError, "key is -1; accepted is 0 to 18446744073709551615"),
        (2**64, ValueError, "key is 18446744073709551616; accepted is 0 to 18446744073709551615"),
        ({"key": None}, TypeError, 'key\\["key"\\] is None; accepted are'),
        ({"key": -5}, ValueError, 'key\\["key"\\] is -5; accepted is'),
        ({"key": {}}, TypeError, 'key\\["key"\\] is \\{\\}; accepted are'),
        ({7: "alice"}, TypeError, "a dimension of key is 7; accepted are str"),
        ("\ud800", ValueError, "surrogates"),
    ],
)
def test_keys(call: Callable[..., Any], key: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call(Limiter("1/min"), key)


@pytest.mark.parametrize("call", [*CALLS, Limiter.release])
@pytest.mark.parametrize(
    ("cost", "error", "sentence"),
    [
        (-1, ValueError, "cost is -1; accepted is 0 to 4294967295"),
        (2**32, ValueError, "cost is 4294967296; accepted is 0 to 4294967295"),
        (10**30, ValueError, "accepted is 0 to 4294967295"),
        (1.0, TypeError, "cost is 1.0; accepted is an int from 0 to 4294967295"),
        (float("nan"), TypeError, "cost is nan; accepted is an int"),
        (float("inf"), TypeError, "cost is inf; accepted is an int"),
        (True, TypeError, "cost is True; accepted is an int"),
        ("1", TypeError, "cost is '1'; accepted is an int"),
        (None, TypeError, "cost is None; accepted is an int"),
        (decimal.Decimal(1), TypeError, "accepted is an int"),
        (fractions.Fraction(1), TypeError, "accepted is an int"),
    ],
)
def test_costs(call: Callable[..., Any], cost: Any, error: type[Exception], sentence: str) -> None:
    limiter = Limiter("concurrency 5")
    with pytest.raises(error, match=sentence):
        call(limiter, "alice", cost)
    assert limiter.peek("alice").remaining == 5


def test_cost_0_is_always_allowed_and_changes_nothing() -> None:
    limiter = Limiter("1/min", clock=lambda: 0)
    assert limiter.acquire("alice")
    assert limiter.acquire("alice", 0)
    assert limiter.acquire("bob", 0).remaining == 1


def test_what_operator_index_takes_is_a_cost() -> None:
    class Three:
        def __index__(self) -> int:
            return 3

    assert Limiter("5/min").acquire("alice", Three()).cost == 3  # type: ignore[arg-type]


def test_huge_costs_are_never_and_not_an_error() -> None:
    decision = Limiter("5/min").acquire("alice", 2**32 - 1)
    assert (decision.verdict, decision.retry_after) == ("never", None)


@pytest.mark.parametrize("call", CALLS)
def test_signatures(call: Callable[..., Any]) -> None:
    limiter = Limiter("concurrency 5")
    name = call.__name__
    assert call(limiter, key="alice", cost=2, rules=None).cost == 2
    for arguments, named in [
        ((), {}),
        ((), {"cost": 1}),
        (("alice", 1, "2/min"), {}),
        (("alice",), {"key": "bob"}),
        (("alice", 1), {"cost": 1}),
        (("alice",), {"costs": 1}),
    ]:
        with pytest.raises(TypeError, match=name):
            call(limiter, *arguments, **named)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("rules", "error", "sentence"),
    [
        (5, TypeError, 'rules is 5; accepted are a str such as "600/min" and a Plan'),
        ("1/fortnight", ValueError, 'rules "1/fortnight": at byte 2: found `fortnight`'),
        ("fixed 2/min", ValueError, "rule 0"),
        ("1/min; 2/min", ValueError, "there are 2 rules, accepted are 1"),
    ],
)
def test_rules_for_one_call(
    call: Callable[..., Any], rules: Any, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        call(Limiter("1/min"), "alice", rules=rules)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"rules": ""}, ValueError, "at byte 0: found the end of the text"),
        ({"rules": "0/min"}, ValueError, "rules"),
        ({"rules": None}, TypeError, "rules is None; accepted are a str"),
        ({"rules": b"1/min"}, TypeError, "rules is b'1/min'; accepted are a str"),
        ({"capacity": 0}, ValueError, "capacity is 0; accepted is 1 key or more"),
        ({"capacity": -1}, ValueError, "capacity is -1; accepted is 1 key or more"),
        ({"capacity": 1.5}, TypeError, "capacity is 1.5; accepted is an int"),
        ({"capacity": True}, TypeError, "capacity is True; accepted is an int"),
        ({"when_full": "panic"}, ValueError, 'when_full is "panic"; accepted are "deny"'),
        ({"when_full": None}, TypeError, "when_full"),
        ({"clock": 5}, TypeError, "clock is 5; accepted is a callable"),
        ({"unknown": 5}, TypeError, "unknown"),
    ],
)
def test_building(arguments: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        Limiter(**{"rules": "1/min", **arguments})


def test_memory_that_cannot_be_had() -> None:
    with pytest.raises((MemoryError, ValueError), match="capacity"):
        Limiter("sliding 1/min segments 62", capacity=2**55)


@pytest.mark.parametrize(
    ("time", "error", "sentence"),
    [
        (1.5, TypeError, "the clock returned 1.5; accepted is an int of nanoseconds"),
        (None, TypeError, "the clock returned None; accepted is an int"),
        (True, TypeError, "the clock returned True; accepted is an int"),
        (-1, ValueError, "the clock returned -1; accepted is 0 to 9223372036854775807"),
        (2**63, ValueError, "accepted is 0 to 9223372036854775807 nanoseconds"),
    ],
)
def test_clocks(time: Any, error: type[Exception], sentence: str) -> None:
    limiter = Limiter("1/min", clock=lambda: time)
    with pytest.raises(error, match=sentence):
        limiter.acquire("alice")


def test_what_a_clock_raises_is_raised() -> None:
    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Limiter("1/min", clock=broken).acquire("alice")


def test_a_key_without_its_dimension() -> None:
    with pytest.raises(ValueError, match="the key has no dimension"):
        Limiter("1/min by ip; 2/min by org").acquire("alice")


def test_styles_of_headers() -> None:
    decision = Limiter("1/min").acquire("alice")
    with pytest.raises(ValueError, match='style is "x-limit"; accepted are x-ratelimit, '):
        decision.headers("x-limit")
    with pytest.raises(ValueError, match="RateLimit is asked for in two forms"):
        decision.headers("ratelimit", "draft-7")
    with pytest.raises(ValueError, match='reset is "minutes"; accepted are "unix" and "seconds"'):
        decision.headers("x-ratelimit", reset="minutes")
    with pytest.raises(TypeError):
        decision.headers()  # type: ignore[call-arg]


@pytest.mark.parametrize("text", [5, None, b"1/min"])
def test_plans(text: Any) -> None:
    with pytest.raises(TypeError, match="accepted are a str"):
        Plan(text)
