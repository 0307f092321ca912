"""The calls of a limiter and of what they return."""

from __future__ import annotations

import asyncio
import copy
import gc
import ipaddress
import pickle
import sys
import weakref
from collections import OrderedDict
from types import MappingProxyType

import pytest
from ratecell import Decision, Limiter, Permit, Plan

MINUTE_NS = 60_000_000_000


def still(rules: str, **options: object) -> Limiter:
    """A limiter whose clock stands still."""
    return Limiter(rules, clock=lambda: 0, **options)  # type: ignore[arg-type]


def test_a_decision_has_the_numbers_of_the_governing_rule_and_of_each() -> None:
    limiter = still("ip: fixed 3/min by ip; key: sliding 2/min")
    decision = limiter.acquire({"ip": "192.0.2.1", "key": "alice"}, 2)
    assert (decision.allowed, decision.verdict, decision.rule) == (True, "allow", "key")
    assert (decision.limit, decision.remaining, decision.cost) == (2, 0, 2)
    assert (decision.retry_after, decision.retry_after_ns) == (0.0, 0)
    assert list(decision.rules) == ["ip", "key"]
    own = decision.rules["ip"]
    assert (own.name, own.by, own.allowed, own.verdict) == ("ip", "ip", True, "allow")
    assert (own.limit, own.remaining, own.reset_after, own.reset_after_ns) == (
        3,
        1,
        60.0,
        MINUTE_NS,
    )

    refused = limiter.acquire({"ip": "192.0.2.1", "key": "alice"})
    assert not refused
    assert refused.rule == "key"
    assert refused.rules["ip"].allowed
    assert not refused.rules["key"]
    assert refused.retry_after_ns is not None
    assert refused.retry_after_ns >= MINUTE_NS
    assert repr(refused).startswith("<Decision key: denied: 0 of 2 left, retry after 60.")
    assert str(refused) == repr(refused)[len("<Decision ") : -1]


def test_rules_without_a_key_are_skipped_and_other_dimensions_passed_over() -> None:
    limiter = still("ip: fixed 3/min by ip; key: sliding 2/min")
    assert list(limiter.acquire({"key": "alice", "org": "acme"}).rules) == ["key"]
    nothing = limiter.acquire({"org": "acme"})
    assert nothing
    assert (nothing.rule, nothing.limit, nothing.remaining, nothing.rules) == (None, None, None, {})
    assert (nothing.retry_after, nothing.reset_after) == (0.0, None)


def test_seconds_round_up() -> None:
    now_ns = 0
    limiter = Limiter("7/s burst 1", clock=lambda: now_ns)
    assert limiter.acquire("alice")
    for now_ns in (0, 1, 3, 17, 142_857_142):
        wait = limiter.acquire("alice")
        assert wait.retry_after is not None and wait.retry_after_ns is not None
        # Exact: a float is a fraction of two integers.
        numerator, denominator = wait.retry_after.as_integer_ratio()
        assert numerator * 1_000_000_000 >= wait.retry_after_ns * denominator
        assert wait.retry_after - wait.retry_after_ns / 1e9 < 1e-9
        assert wait.retry_after_ns == 142_857_143 - now_ns


def test_a_decision_is_frozen_and_compares_by_value() -> None:
    one, other = still("5/min"), still("5/min")
    decision = one.acquire("alice")
    with pytest.raises(AttributeError):
        decision.allowed = False  # type: ignore[misc]
    assert decision == other.acquire("bob")
    assert hash(one.peek("carol")) == hash(other.peek("carol"))
    assert decision != one.acquire("alice")
    assert decision != "allowed"


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("alice", b"alice"),
        ("größe", "größe".encode()),
        ("", b""),
        (7, (7).to_bytes(8, "little")),
        (2**64 - 1, b"\xff" * 8),
        (ipaddress.ip_address("192.0.2.1"), bytes([192, 0, 2, 1])),
        (ipaddress.ip_address("2001:db8::1"), ipaddress.ip_address("2001:db8::1").packed),
        (ipaddress.ip_address("::ffff:192.0.2.1"), ipaddress.ip_address("192.0.2.1")),
        ({"key": "alice"}, "alice"),
        (OrderedDict(key="alice"), "alice"),
        (MappingProxyType({"key": "alice"}), "alice"),
    ],
)
def test_keys_of_the_same_bytes_are_one(one: object, same: object) -> None:
    limiter = still("1/min")
    assert limiter.acquire(one)  # type: ignore[arg-type]
    assert not limiter.acquire(same)  # type: ignore[arg-type]
    assert limiter.acquire("another")


def test_peek_never_writes() -> None:
    limiter = still("2/min")
    assert limiter.peek("alice", 2).remaining == 2
    assert limiter.acquire("alice").remaining == 1
    assert not limiter.peek("alice", 2)
    assert limiter.peek("alice").remaining == 1
    assert limiter.stats()["gcra"].keys == 1


def test_reset_forgets_a_key() -> None:
    limiter = still("1/min")
    assert limiter.acquire("alice")
    assert limiter.acquire("bob")
    limiter.reset("alice")
    assert limiter.acquire("alice")
    assert not limiter.acquire("bob")


def test_rules_for_one_call_share_the_state() -> None:
    limiter = still("sliding 10/min")
    assert limiter.acquire("alice", 10)
    raised = Plan("sliding 15/min")
    assert not limiter.acquire("alice")
    assert limiter.peek("alice", rules=raised).remaining == 5
    assert limiter.acquire("alice", rules=raised).remaining == 4
    assert limiter.acquire("alice", 1, rules="sliding 15/min").remaining == 3
    assert limiter.hold("alice", rules=raised).remaining == 2
    assert limiter.acquire("alice", rules=None).allowed is False


def test_hold_gives_permits_back_however_it_is_left() -> None:
    limiter = still("concurrency 1")
    with limiter.hold("alice") as held:
        assert isinstance(held, Permit)
        assert isinstance(held, Decision)
        assert held
        with limiter.hold("alice") as refused:
            assert not refused
        assert not limiter.peek("alice"), "a refused hold gives nothing back"
    assert limiter.peek("alice")

    with pytest.raises(RuntimeError), limiter.hold("alice"):
        raise RuntimeError
    assert limiter.peek("alice")

    held = limiter.hold("alice")
    held.release()
    held.release()
    assert limiter.hold("alice"), "given back at once, since nobody kept it"
    with limiter.hold("alice") as held:
        held.release()
        assert held.remaining == 0, "what was decided stays readable"
        assert limiter.hold("alice")
    gc.collect()
    assert limiter.peek("alice")


def test_a_permit_that_was_given_back_lets_nobody_into_a_block() -> None:
    limiter = still("concurrency 1")
    held = limiter.hold("alice")
    with held:
        pass
    with pytest.raises(RuntimeError, match="the permit was given back; accepted is a new one"):
        held.__enter__()

    async def enter() -> None:
        async with held:
            pass

    with pytest.raises(RuntimeError, match="the permit was given back; accepted is a new one"):
        asyncio.run(enter())
    assert limiter.peek("alice")


def test_release_gives_back_what_acquire_took() -> None:
    limiter = still("concurrency 3")
    assert limiter.acquire("alice", 3)
    limiter.release("alice", 2)
    with pytest.raises(ValueError, match="held"):
        limiter.release("alice", 2)
    assert limiter.peek("alice").remaining == 2


def test_stats_count_what_is_rare() -> None:
    limiter = still("1/min", capacity=8)
    for user in range(1000):
        limiter.acquire(user)
    stats = limiter.stats()["gcra"]
    assert stats.keys == stats.inserted <= stats.slots
    assert stats.full_denied == 1000 - stats.inserted
    assert stats.full_allowed == stats.stranded == 0
    assert limiter.acquire("one more").verdict == "full"
    assert repr(stats).startswith("TableStats(slots=")

    open_house = still("1/min", capacity=8, when_full="allow")
    assert all(open_house.acquire(user) for user in range(1000))
    assert open_house.stats()["gcra"].full_allowed > 0


def test_the_default_clock_is_on_unix_time() -> None:
    import time

    decision = Limiter("fixed 5/min").acquire("alice")
    assert decision.reset_after is not None
    left = 60 - time.time() % 60
    assert abs(decision.reset_after - left) < 5 or abs(decision.reset_after - left) > 55


def test_headers() -> None:
    limiter = still("key: fixed 2/min")
    decision = limiter.acquire("alice")
    assert decision.headers("x-ratelimit", unix_now_ns=1_500_000_000) == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "1",
        "X-RateLimit-Reset": "62",
    }
    assert decision.headers("ratelimit", "retry-after") == {
        "RateLimit-Policy": '"key";q=2;w=60',
        "RateLimit": '"key";r=1;t=60',
    }
    limiter.acquire("alice")
    assert limiter.acquire("alice").headers("draft-6", "Retry-After") == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "60",
        "Retry-After": "60",
    }


def test_header_fields_are_as_of_the_decision() -> None:
    # The end of a minute of the wall clock, whenever the fields are asked for.
    decision = Limiter("fixed 5/min").acquire("alice")
    assert int(decision.headers("x-ratelimit")["X-RateLimit-Reset"]) % 60 == 0
    now = [119_000_000_000]
    limiter = Limiter("fixed 5/min", clock=lambda: now[0])
    decisions = [limiter.acquire("bob"), limiter.hold("bob"), limiter.peek("bob")]
    now[0] *= 2
    resets = [decision.headers("x-ratelimit-reset") for decision in decisions]
    assert resets == [{"X-RateLimit-Reset": "120"}] * 3
    again = pickle.loads(pickle.dumps(decisions[0]))
    assert again.headers("x-ratelimit-reset") == resets[0]


def test_plans_and_their_rules() -> None:
    plan = Plan("ip: fixed 300/min by ip; 100/2s burst 5; concurrency 8")
    assert [rule.name for rule in plan.rules] == ["ip", "gcra", "concurrency"]
    assert [rule.kind for rule in plan.rules] == ["fixed", "gcra", "concurrency"]
    assert [rule.by for rule in plan.rules] == ["ip", "key", "key"]
    assert [rule.limit for rule in plan.rules] == [300, 100, 8]
    assert [rule.capacity for rule in plan.rules] == [300, 5, 8]
    assert [rule.period for rule in plan.rules] == [60.0, 2.0, None]
    assert [rule.period_ns for rule in plan.rules] == [MINUTE_NS, 2_000_000_000, None]
    assert plan == Plan(str(plan)) == pickle.loads(pickle.dumps(plan)) == copy.deepcopy(plan)
    assert hash(plan) == hash(Plan(str(plan)))
    assert plan.rules[0] == Plan("ip: fixed 300 per minute by ip").rules[0]
    assert Limiter(plan).plan == plan
    assert repr(Limiter("1/min")) == 'Limiter("gcra: gcra 1/min burst 1 by key")'


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_decision_is_copied_and_pickled(protocol: int) -> None:
    limiter = Limiter("ip: fixed 5/min by ip; 2/min burst 2; concurrency 1", clock=lambda: 0)
    keys = {"ip": "192.0.2.1", "key": "alice"}
    held = limiter.hold(keys)
    with pytest.raises(TypeError, match="cannot pickle a Permit that was not given back; release"):
        pickle.dumps(held)
    decisions = [limiter.acquire({}), limiter.hold(keys), limiter.peek(keys, 9)]
    held.release()
    decisions += [held, limiter.acquire(keys), limiter.acquire(keys)]
    for decision in decisions:
        again = pickle.loads(pickle.dumps(decision, protocol))
        assert again == decision == copy.copy(decision) == copy.deepcopy(decision)
        assert type(again) is Decision
        assert str(again) == str(decision)
        assert again.rules == decision.rules == copy.deepcopy(decision.rules)
        fields = ("x-ratelimit", "ratelimit", "retry-after", "x-concurrency")
        assert again.headers(*fields, unix_now_ns=0) == decision.headers(*fields, unix_now_ns=0)


def test_a_pickle_that_makes_no_sense_is_an_error() -> None:
    restored, (plan, *rest, applied) = Limiter("5/min").acquire("alice").__reduce__()
    with pytest.raises(ValueError, match="another version"):
        restored(plan, *rest, [[9, *applied[0][1:]]])
    with pytest.raises(ValueError, match="fortnight"):
        restored("5/fortnight", *rest, applied)
    # Of more rules than the plan has.
    assert str(restored(plan, *rest, applied * 9))


def test_subclasses_and_weak_references() -> None:
    class Named(Limiter):
        def greet(self) -> str:
            return "hello"

    limiter = Named("1/min")
    assert limiter.greet() == "hello"
    assert weakref.ref(limiter)() is limiter


def test_a_clock_that_refers_to_its_limiter_is_collected() -> None:
    class Owner:
        def __init__(self) -> None:
            self.limiter = Limiter("1/min", clock=self.now)

        def now(self) -> int:
            return 0

    owner = weakref.ref(Owner())
    gc.collect()
    assert owner() is None


def test_nothing_leaks_by_call() -> None:
    limiter = still("concurrency 100000; 1/min")
    key = "a key of its own" * 2

    def calls() -> None:
        for _ in range(2000):
            limiter.acquire(key)
            limiter.peek(key, 2, rules=None)
            limiter.hold({"key": key}).release()
            repr(limiter.acquire(key=key, cost=1))
            with pytest.raises(TypeError):
                limiter.acquire(None)  # type: ignore[arg-type]

    calls()
    before = sys.getrefcount(key), sys.getrefcount(limiter), sys.getallocatedblocks()
    calls()
    gc.collect()
    after = sys.getrefcount(key), sys.getrefcount(limiter), sys.getallocatedblocks()
    assert before[:2] == after[:2]
    assert after[2] - before[2] < 200
