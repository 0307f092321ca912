"""Clients that pace themselves: in virtual time against a guard, and over a real connection."""

from __future__ import annotations

import asyncio
import gc
import io
import pickle
from typing import Any

import pytest
from ratecell import Contract, Guard

from .servers import asgi_server

httpx = pytest.importorskip("httpx")
requests = pytest.importorskip("requests")
pytest.importorskip("uvicorn")

from ratecell.asgi import ContractMiddleware  # noqa: E402
from ratecell.httpx import AsyncPacedTransport, Pace, PacedTransport, TooLong, TooManyCallers  # noqa: E402
from ratecell.requests import PacedAdapter  # noqa: E402
from requests.adapters import HTTPAdapter  # noqa: E402

START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000


class Provider:
    """A provider, its network and its time, all in one process and without waiting."""

    def __init__(self, limit: str, fields: str = '["x-ratelimit", "retry-after"]') -> None:
        self.now_ns = START_NS
        text = f"""
        name = "api"
        [[rule]]
        name = "key"
        limit = "{limit}"
        by = "header:x-key"
        [response]
        headers = {fields}
        """
        self.guard = Guard(Contract(text), clock=lambda: self.now_ns)
        self.slept: list[float] = []
        self.statuses: list[int] = []

    def clock(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def answer(self, request: Any) -> Any:
        self.now_ns += 1_000_000
        outcome = self.guard.admit("GET", "/", headers=[("x-key", "me")])
        self.statuses.append(outcome.status or 200)
        return httpx.Response(
            outcome.status or 200, headers=outcome.headers, content=outcome.body or b"fine"
        )


def client(provider: Provider, pace: Pace) -> Any:
    transport = httpx.MockTransport(provider.answer)
    return httpx.Client(transport=PacedTransport(pace, transport=transport, sleep=provider.sleep))


def test_a_client_that_knows_the_plan_is_never_refused() -> None:
    provider = Provider("sliding 60/min segments 62")
    pace = Pace("sliding 60/min segments 62", clock=provider.clock)
    with client(provider, pace) as session:
        for _ in range(200):
            assert session.get("http://api/").status_code == 200
    assert provider.statuses == [200] * 200
    # And does not dawdle either.
    assert provider.now_ns - START_NS < 220 * SECOND_NS


def test_a_client_that_sees_the_headers_is_hardly_ever_refused() -> None:
    provider = Provider("fixed 60/min")
    with client(provider, Pace(clock=provider.clock)) as session:
        for _ in range(300):
            assert session.get("http://api/").status_code == 200
    assert provider.statuses.count(429) <= 3


def test_retry_after_is_obeyed() -> None:
    provider = Provider("fixed 1/min", '["retry-after"]')
    with client(provider, Pace(clock=provider.clock)) as session:
        assert session.get("http://api/").status_code == 200
        refusals: list[int] = []
        for _ in range(3):
            before = len(provider.statuses)
            assert session.get("http://api/").text == "fine"
            refusals += provider.statuses[before:]
    # Each refusal is followed by a wait that the next try shows was long enough.
    assert all(not (a == b == 429) for a, b in zip(refusals, refusals[1:]))


def test_who_gives_up_returns_the_refusal() -> None:
    provider = Provider("fixed 1/h", '["retry-after"]')
    with client(provider, Pace(clock=provider.clock, retries=0)) as session:
        session.get("http://api/")
        refused = session.get("http://api/")
        assert refused.status_code == 429
        assert refused.json()["violated-policies"] == ["key"]
    provider = Provider("fixed 1/h", '["retry-after"]')
    with client(provider, Pace(clock=provider.clock, budget=60)) as session:
        session.get("http://api/")
        assert session.get("http://api/").status_code == 429
    assert provider.statuses == [200, 429], "an hour is more than the budget"


def test_a_body_that_cannot_be_sent_twice_is_sent_once() -> None:
    provider = Provider("fixed 1/min", '["retry-after"]')
    with client(provider, Pace(clock=provider.clock)) as session:
        session.post("http://api/", content=b"bytes")
        assert session.post("http://api/", content=iter([b"once"])).status_code == 429
        assert session.post("http://api/", content=b"bytes").status_code == 200


def test_what_fails_is_no_longer_in_flight() -> None:
    provider = Provider("concurrency 1")

    def broken(request: Any) -> Any:
        raise httpx.ConnectError(str(request.url))

    transport = httpx.MockTransport(broken)
    pace = Pace("concurrency 1", clock=provider.clock)
    paced = PacedTransport(pace, transport=transport, sleep=provider.sleep)
    with httpx.Client(transport=paced) as session:
        for _ in range(3):
            with pytest.raises(httpx.ConnectError):
                session.get("http://api/")
    assert provider.slept == []


def test_async_clients() -> None:
    provider = Provider("fixed 2/min", '["retry-after"]')

    async def main() -> None:
        transport = AsyncPacedTransport(
            Pace(clock=provider.clock),
            transport=httpx.MockTransport(provider.answer),
            sleep=provider.sleep_async,
        )
        async with httpx.AsyncClient(transport=transport) as session:
            for _ in range(5):
                assert (await session.get("http://api/")).status_code == 200

    asyncio.run(main())
    assert provider.now_ns - START_NS >= 60 * SECOND_NS


@pytest.mark.parametrize(
    ("method", "fields", "sent"),
    [
        ("GET", {"retry-after": "1"}, 2),
        ("PUT", {"retry-after": "1"}, 2),
        ("POST", {"retry-after": "1"}, 1),
        ("PATCH", {"retry-after": "1"}, 1),
        ("GET", {}, 1),
    ],
)
def test_a_503_repeats_what_is_idempotent_if_it_says_when(
    method: str, fields: dict[str, str], sent: int
) -> None:
    provider = Provider("1/min")
    answers = [httpx.Response(503, headers=fields), httpx.Response(200)]
    transport = httpx.MockTransport(lambda request: answers.pop(0))
    paced = PacedTransport(Pace(clock=provider.clock), transport=transport, sleep=provider.sleep)
    with httpx.Client(transport=paced) as session:
        session.request(method, "http://api/")
    assert 2 - len(answers) == sent


def test_a_turn_that_is_too_far_away_is_a_timeout_at_once() -> None:
    provider = Provider("fixed 1/h", '["retry-after"]')
    pace = Pace(clock=provider.clock, budget=60, max_wait=60)
    with client(provider, pace) as session:
        session.get("http://api/")
        assert session.get("http://api/").status_code == 429
        provider.slept.clear()
        with pytest.raises(
            httpx.TimeoutException, match=r"would have waited \d+\.\d+ s, lo"
        ) as late:
            session.get("http://api/")
        assert isinstance(late.value, TooLong)
        assert provider.slept == []

    async def main() -> None:
        transport = AsyncPacedTransport(pace, transport=httpx.MockTransport(provider.answer))
        async with httpx.AsyncClient(transport=transport) as session:
            with pytest.raises(TooLong):
                await session.get("http://api/")

    asyncio.run(main())
    with requests.Session() as session:
        session.mount("http://api", PacedAdapter(pace, adapter=LocalAdapter(provider)))
        with pytest.raises(requests.exceptions.Timeout, match="longer than max_wait"):
            session.get("http://api/")


CALLERS: list[tuple[str, dict[str, str]]] = [
    ("http://one", {}),
    ("http://two", {}),
    ("http://one:81", {}),
    ("http://one", {"Authorization": "Bearer a"}),
    ("http://one", {"authorization": "Bearer b"}),
    ("http://one", {"X-Api-Key": "b"}),
]


@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_each_origin_and_each_key_there_has_a_pace_of_its_own(library: str) -> None:
    provider = Provider("1000/s")
    get = getter(library, provider, Pace(clock=lambda: START_NS, max_wait=0))
    for url, headers in CALLERS:
        get(url, headers=headers)
    for url, headers in [*CALLERS, ("http://one:80", {})]:
        with pytest.raises((httpx.TimeoutException, requests.exceptions.Timeout)):
            get(url + "/again?page=2", headers=headers)


@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_lane_by_says_which_requests_share_a_pace(library: str) -> None:
    provider = Provider("1000/s")
    pace = Pace(clock=lambda: START_NS, max_wait=0, lane_by=lambda request: request.method)
    get = getter(library, provider, pace)
    get("http://one")
    with pytest.raises((httpx.TimeoutException, requests.exceptions.Timeout)):
        get("http://two", headers={"x-api-key": "a"})


def test_a_caller_too_many_is_an_error_until_another_has_come_to_rest() -> None:
    provider = Provider("1000/s")
    get = getter("httpx", provider, Pace(clock=provider.clock, max_callers=2))
    get("http://one")
    get("http://two")
    with pytest.raises(TooManyCallers, match="one caller more than max_callers, 2, and none"):
        get("http://three")
    provider.now_ns += 600 * SECOND_NS
    assert get("http://three").status_code == 200


def getter(library: str, provider: Provider, pace: Pace) -> Any:
    """What gets a URL from a provider, whatever its host."""
    if library == "httpx":
        return client(provider, pace).get
    session = requests.Session()
    session.mount("http://", PacedAdapter(pace, adapter=LocalAdapter(provider)))
    return session.get


@pytest.mark.parametrize(("max_wait", "status"), [(10, 200), (1.5, 429), (0, 429)])
def test_the_wait_is_counted_in_line_and_between_tries_and_not_on_the_way(
    max_wait: float, status: int
) -> None:
    provider = Provider("1/min")
    answers = [httpx.Response(429, headers={"retry-after": "2"}), httpx.Response(200)]

    def answer(request: Any) -> Any:
        provider.now_ns += 100 * SECOND_NS
        return answers.pop(0)

    paced = PacedTransport(
        Pace(clock=provider.clock, max_wait=max_wait),
        transport=httpx.MockTransport(answer),
        sleep=provider.sleep,
    )
    with httpx.Client(transport=paced) as session:
        assert session.get("http://api/").status_code == status
    assert sum(provider.slept) <= max_wait


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is not read yet."""

    def __iter__(self) -> Any:
        yield b"fi"
        yield b"ne"

    async def __aiter__(self) -> Any:
        for chunk in self:
            yield chunk


def test_a_request_is_in_flight_until_its_response_is_read_or_closed() -> None:
    provider = Provider("1/min")
    pace = Pace("concurrency 1", clock=provider.clock, max_wait=1)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Chunks()))
    paced = PacedTransport(pace, transport=transport, sleep=provider.sleep)
    with httpx.Client(transport=paced) as session:
        assert [session.get("http://api/").text for _ in range(2)] == ["fine"] * 2
        for how in ("read", "close", "drop"):
            response = session.send(session.build_request("GET", "http://api/"), stream=True)
            with pytest.raises(TooLong, match=r"it would have waited 1\.\d+ s"):
                session.get("http://api/")
            if how == "drop":
                del response
                gc.collect()
            else:
                getattr(response, how)()
            assert session.get("http://api/").text == "fine"

    async def main() -> None:
        transport = AsyncPacedTransport(
            pace,
            transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=Chunks())),
            sleep=provider.sleep_async,
        )
        async with httpx.AsyncClient(transport=transport) as session:
            async with session.stream("GET", "http://api/"):
                with pytest.raises(TooLong):
                    await session.get("http://api/")
            assert (await session.get("http://api/")).text == "fine"

    asyncio.run(main())


def test_an_adapter_is_not_pickled_without_its_pace() -> None:
    with pytest.raises(TypeError, match="cannot pickle a PacedAdapter; mount one of its own"):
        pickle.dumps(PacedAdapter("1/s"))


class LocalAdapter(HTTPAdapter):
    """Answers requests without a network."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        answer = self._provider.answer(request)
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(answer.headers)
        response.raw = io.BytesIO(answer.content)
        response.url = request.url
        response.request = request
        return response


def test_sessions_of_requests() -> None:
    provider = Provider("fixed 2/min", '["retry-after"]')
    adapter = PacedAdapter(
        Pace(clock=provider.clock), adapter=LocalAdapter(provider), sleep=provider.sleep
    )
    with requests.Session() as session:
        session.mount("http://api", adapter)
        for _ in range(5):
            assert session.get("http://api/").text == "fine"
    assert provider.now_ns - START_NS >= 60 * SECOND_NS


def test_over_a_real_connection() -> None:
    contract = Contract(
        """
        name = "api"
        [[rule]]
        name = "ip"
        limit = "40/s burst 1"
        by = "ip"
        [response]
        headers = ["retry-after"]
        """
    )

    async def hello(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    with asgi_server(ContractMiddleware(hello, contract)) as host:
        with httpx.Client(transport=PacedTransport("40/s burst 1")) as session:
            assert [session.get(f"http://{host}").text for _ in range(5)] == ["hello"] * 5
        with requests.Session() as session:
            session.mount("http://", PacedAdapter("40/s burst 1"))
            assert [session.get(f"http://{host}").text for _ in range(5)] == ["hello"] * 5


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"plan": "5/fortnight"}, ValueError, "plan"),
        ({"plan": "5/min", "sharers": 0}, ValueError, "0"),
        ({"retries": -1}, ValueError, "retries is -1; accepted is an int from 0 to"),
        ({"retries": 1.5}, TypeError, "retries is 1.5; accepted is an int from 0 to"),
        ({"retries": 2**32}, ValueError, "retries is 4294967296; accepted is an int from 0 to"),
        ({"sharers": -1}, ValueError, "sharers is -1; accepted is an int from 1 to"),
        ({"sharers": "2"}, TypeError, "sharers is '2'; accepted is an int from 1 to"),
        ({"budget": 0}, ValueError, "budget is 0; accepted is 1 s and more"),
        ({"budget": float("nan")}, ValueError, "budget is nan; accepted is 1 s and more"),
        ({"budget": "60"}, TypeError, "budget is '60'; accepted is 1 s and more"),
        ({"max_wait": -1}, ValueError, "max_wait is -1; accepted is 0 s and more"),
        ({"max_callers": 0}, ValueError, "max_callers is 0; accepted is an int from 1 to"),
        ({"lane_by": "all"}, TypeError, "lane_by is 'all'; accepted are None and a function"),
        ({"clock": 5}, TypeError, "clock is 5; accepted is a callable"),
        ({"clock": lambda: 1.5}, TypeError, "the clock returned 1.5; accepted is an int"),
        ({"clock": lambda: -1}, ValueError, "the clock returned -1; accepted is 0 to"),
    ],
)
def test_bad_paces(options: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        Pace(**options)


@pytest.mark.parametrize("budget", [float("inf"), 1e30, 10**400])
def test_a_budget_may_be_without_end(budget: float) -> None:
    assert Pace(budget=budget)
