"""Functions behind a limiter."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Iterator

import pytest
from ratecell import Limiter, RateLimited


def test_a_refused_call_raises_with_the_decision_and_does_not_run() -> None:
    limiter = Limiter("2/min", clock=lambda: 0)
    ran: list[str] = []

    @limiter.limit(key=lambda user, **_: user, cost=lambda _, units=1: units)
    def work(user: str, units: int = 1) -> str:
        """Say who."""
        ran.append(user)
        return f"did {user}"

    assert work.__doc__ == "Say who."
    assert work("alice") == "did alice"
    with pytest.raises(RateLimited, match="gcra: denied: 1 of 2 left") as refused:
        work("alice", units=2)
    assert refused.value.decision.retry_after == 30.0
    assert not refused.value.decision
    assert work("alice") == "did alice"
    assert ran == ["alice", "alice"]


def test_coroutine_functions_and_awaitable_keys() -> None:
    limiter = Limiter("1/min", clock=lambda: 0)

    async def who(user: str) -> str:
        await asyncio.sleep(0)
        return user

    @limiter.limit(key=who)
    async def work(user: str) -> str:
        await asyncio.sleep(0)
        return user

    async def main() -> None:
        assert await work("alice") == "alice"
        with pytest.raises(RateLimited):
            await work("alice")
        assert await work("bob") == "bob"

    assert asyncio.iscoroutinefunction(work)
    asyncio.run(main())


def test_permits_are_held_until_the_function_returns_or_raises() -> None:
    limiter = Limiter("concurrency 1")

    @limiter.limit(key="all")
    def fail() -> None:
        assert not limiter.peek("all")
        raise KeyError

    @limiter.limit(key="all")
    async def fail_later() -> None:
        await asyncio.sleep(0)
        assert not limiter.peek("all")
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
        with pytest.raises(KeyError):
            asyncio.run(fail_later())
    assert limiter.peek("all")


def test_an_object_whose_call_is_a_coroutine_function() -> None:
    limiter = Limiter("concurrency 1")

    class Work:
        async def __call__(self) -> None:
            assert not limiter.peek("all"), "the permit is held"

    asyncio.run(limiter.limit(key="all")(Work())())
    assert limiter.peek("all")


def test_a_plain_function_cannot_await_its_key() -> None:
    async def who() -> str:
        return "alice"

    with pytest.raises(TypeError, match="has to be awaited; accepted here are functions"):
        Limiter("1/min").limit(key=who)(lambda: None)()


def test_rules_for_each_caller() -> None:
    limiter = Limiter("sliding 1/min", clock=lambda: 0)
    caps = {"alice": "sliding 3/min"}

    @limiter.limit(key=lambda user: user, rules=caps.get)
    def work(user: str) -> str:
        return user

    assert [work("alice") for _ in range(3)]
    assert work("bob")
    with pytest.raises(RateLimited):
        work("bob")


def test_what_cannot_be_limited() -> None:
    limit = Limiter("1/min").limit(key="all")

    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, async_generator):
        with pytest.raises(TypeError, match="is a generator; accepted are functions"):
            limit(function)
    for other in (5, int):
        with pytest.raises(TypeError, match="is no function; accepted are functions"):
            limit(other)  # type: ignore[type-var]


def test_the_exception_is_copied_and_pickled() -> None:
    limiter = Limiter("1/h", clock=lambda: 0)

    @limiter.limit(key="alice")
    def work() -> None:
        return None

    work()
    with pytest.raises(RateLimited) as refused:
        work()
    error = refused.value
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is RateLimited
        assert str(again) == str(error)
        assert again.decision == error.decision
        assert again.decision.retry_after == 3600.0
