"""ASGI under a real server and a real client: FastAPI, Starlette, bare applications, websockets."""

from __future__ import annotations

import asyncio
import json
from collections import UserDict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ratecell import Contract, Guard

from .contracts import STAGED, STAGES, rules, staged
from .servers import asgi_server, can_connect, until

pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")
fastapi = pytest.importorskip("fastapi")
pytest.importorskip("websockets")

from ratecell.asgi import ContractMiddleware  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.background import BackgroundTask  # noqa: E402
from starlette.responses import PlainTextResponse  # noqa: E402
from starlette.routing import Route, WebSocketRoute  # noqa: E402
from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

PRODUCTLANE = Path(__file__).parents[2] / "contracts" / "productlane.toml"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"x-ratelimit-limit", b"its own"), (b"x-own", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def test_a_refusal_has_the_fields_and_body_of_the_guard() -> None:
    def clock() -> int:
        return 0

    app = ContractMiddleware(hello, PRODUCTLANE, clock=clock)
    guard = Guard(PRODUCTLANE, clock=clock)
    headers = {"authorization": "Bearer alice"}
    with asgi_server(app) as host:
        for _ in range(20):
            assert guard.admit("POST", "/v1/issues", headers=headers.items())
            passed = httpx.post(f"http://{host}/v1/issues", headers=headers)
            assert passed.status_code == 200
        expected = guard.admit("POST", "/v1/issues", headers=headers.items())
        refused = httpx.post(f"http://{host}/v1/issues", headers=headers)
    # The fields replace what the application wrote under their names, once.
    assert passed.headers.get_list("x-ratelimit-limit") == ["60"]
    assert passed.headers["x-ratelimit-remaining"] == "40"
    assert passed.headers["x-own"] == "1"
    assert "retry-after" not in passed.headers
    assert not expected
    assert refused.status_code == expected.status == 429
    for name, value in expected.headers:
        if name != "Content-Length":
            assert refused.headers.get_list(name) == [value]
    assert "x-own" not in refused.headers
    assert expected.body is not None
    bodies = [json.loads(refused.content), json.loads(expected.body)]
    # Ids are each request's own.
    assert [
        body["error"].pop("request_id", None) or body.pop("request_id", None) for body in bodies
    ]
    assert bodies[0] == bodies[1]


def test_a_refused_head_names_the_length_of_a_body_that_it_does_not_send() -> None:
    app = ContractMiddleware(hello, PRODUCTLANE, clock=lambda: 0, cost=1_000)

    def answered(method: str) -> list[Any]:
        sent: list[Any] = []
        headers = [(b"authorization", b"Bearer alice")]
        scope = {"type": "http", "method": method, "path": "/v1/issues", "headers": headers}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(scope, lambda: asyncio.sleep(0, {"type": "http.request"}), send))
        return sent

    for method in ("GET", "HEAD"):
        start, end = answered(method)
        fields = {name.lower(): value for name, value in start["headers"]}
        assert start["status"] == 429
        assert int(fields[b"content-length"]) > 0
        assert len(end["body"]) == (int(fields[b"content-length"]) if method == "GET" else 0)


@pytest.mark.parametrize(
    ("path", "raw_path", "root_path", "is_held"),
    [
        ("/v1/items", b"/v1/items", "", True),
        ("/v1/items", None, "", True),
        ("/v1/caf\u00e9", b"/v1/caf%C3%A9", "", True),
        ("/items", b"/items", "", False),
        # A router has cut off what stands in the root path.
        ("/items", b"/v1/items", "/v1", True),
        ("/caf\u00e9", b"/v1/caf%c3%a9", "/v1", True),
        # The service has put another path in the place of what was sent, and serves that.
        ("/v1/items", b"/old/items", "", True),
        ("/v1/items", b"/tenant/v1/items", "", True),
        ("/items", b"/v1/items", "", False),
        ("/items", b"/v1/items", "/other", False),
    ],
)
def test_the_path_is_the_one_that_is_served(
    path: str, raw_path: bytes | None, root_path: str, is_held: bool
) -> None:
    contract = Contract("""
        name = "v1"
        [[rule]]
        name = "ip"
        limit = "fixed 1/h"
        by = "ip"
        paths = ["/v1/*"]
    """)
    app = ContractMiddleware(hello, contract, clock=lambda: 0)
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def main() -> None:
        scope = {"type": "http", "method": "GET", "path": path, "root_path": root_path}
        for _ in range(2):
            await app({**scope, "raw_path": raw_path, "headers": []}, None, send)  # type: ignore[arg-type]

    asyncio.run(main())
    assert statuses == [200, 429 if is_held else 200]


def test_every_option_is_asked_of_each_request() -> None:
    async def values(scope: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"user": dict(scope["headers"])[b"x-user"]}

    async def limits(scope: Any) -> dict[str, Any] | None:
        await asyncio.sleep(0)
        return {"user": 5} if dict(scope["headers"])[b"x-user"] == b"rich" else None

    app = ContractMiddleware(
        hello,
        rules("fixed 2/h", by="value:user", name="user"),
        exempt=lambda scope: scope["path"] == "/health",
        cost=lambda scope: 2 if scope["path"] == "/dear" else 1,
        values=values,
        limits=limits,
        clock=lambda: 0,
    )
    with asgi_server(app) as host, httpx.Client(base_url=f"http://{host}") as client:

        def left(path: str, user: str) -> str:
            return client.get(path, headers={"x-user": user}).headers.get("x-ratelimit-remaining")

        assert [left("/", "poor"), left("/", "poor"), left("/", "poor")] == ["1", "0", "0"]
        assert left("/dear", "other") == "0"
        assert [left("/dear", "rich"), left("/dear", "rich"), left("/", "rich")] == ["3", "1", "0"]
        assert left("/health", "poor") is None


def test_addresses_behind_trusted_proxies() -> None:
    contract = rules("fixed 1/h")
    for proxies, statuses in (([], [200, 429]), (["127.0.0.0/8"], [200, 200])):
        app = ContractMiddleware(hello, contract, trusted_proxies=proxies)
        with asgi_server(app) as host:
            users = ["192.0.2.1", "192.0.2.2"]
            found = [httpx.get(f"http://{host}", headers={"x-forwarded-for": u}) for u in users]
            assert [response.status_code for response in found] == statuses


@pytest.mark.parametrize("client", [None, (None, 0), ("a path", None), ["::ffff:192.0.2.1", 5]])
def test_a_client_that_is_not_known_has_no_address(client: Any) -> None:
    app = ContractMiddleware(hello, rules("fixed 2/h"), clock=lambda: 0)
    seen: list[bytes] = []

    async def send(message: Any) -> None:
        seen.append(dict(message.get("headers", ())).get(b"x-ratelimit-remaining"))

    async def main() -> None:
        for peer in (client, ("192.0.2.1", 5)):
            scope = {"type": "http", "path": "/", "headers": [], "client": peer}
            await app(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(main())
    is_known = client is not None and str(client[0]).startswith("::ffff:")
    assert seen[::2] == ([b"1", b"0"] if is_known else [b"1", b"1"])


@pytest.mark.parametrize("name", ["method", "path"])
def test_a_scope_that_makes_no_sense_is_told(name: str) -> None:
    app = ContractMiddleware(hello, rules("1/h"))
    scope: Any = {"type": "http", "path": "/", "headers": [], name: 5}
    with pytest.raises(TypeError, match=f"{name} is 5; accepted is a str"):
        asyncio.run(app(scope, None, None))  # type: ignore[arg-type]


def test_a_refused_head_has_no_body() -> None:
    with asgi_server(ContractMiddleware(hello, rules("fixed 1/h"))) as host:
        httpx.head(f"http://{host}")
        refused = httpx.head(f"http://{host}")
    assert refused.status_code == 429
    assert refused.content == b""
    assert int(refused.headers["content-length"]) > 0


class Endless:
    """A bare application that streams until it is told to end, fails, or is disconnected."""

    def __init__(self) -> None:
        self.end = False
        self.running = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.running += 1
        try:
            if scope["path"] == "/fail":
                raise RuntimeError
            await send({"type": "http.response.start", "status": 200, "headers": []})
            gone = asyncio.ensure_future(self.disconnected(receive))
            while not self.end and not gone.done():
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
                await asyncio.sleep(0.01)
            gone.cancel()
            if scope["path"] == "/fail-late":
                raise RuntimeError
            await send({"type": "http.response.body", "body": b"."})
            while scope["path"] == "/linger" and not self.end:
                await asyncio.sleep(0.01)
        finally:
            self.running -= 1

    async def disconnected(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


@pytest.mark.parametrize("path", ["/", "/fail-late"])
def test_a_permit_is_held_until_the_response_has_been_sent(path: str) -> None:
    endless = Endless()
    with asgi_server(ContractMiddleware(endless, rules("concurrency 1"))) as host:
        with httpx.stream("GET", f"http://{host}{path}") as response:
            chunks = response.iter_raw()
            next(chunks)
            assert httpx.get(f"http://{host}/").status_code == 429
            endless.end = True
            try:
                for _ in chunks:
                    pass
            except httpx.RemoteProtocolError:
                assert path == "/fail-late"
        until(lambda: httpx.get(f"http://{host}/").status_code == 200)


def test_a_permit_comes_back_on_disconnect_and_on_an_exception() -> None:
    endless = Endless()
    app = ContractMiddleware(endless, rules("concurrency 1"))
    with asgi_server(app) as host:
        for _ in range(3):
            assert httpx.get(f"http://{host}/fail").status_code == 500
        with httpx.stream("GET", f"http://{host}/") as response:
            chunks = response.iter_raw()  # Collected, it would hang up.
            next(chunks)
            assert httpx.get(f"http://{host}/fail").status_code == 429
        # The client has hung up in the middle of the body.
        until(lambda: endless.running == 0)
        until(lambda: httpx.get(f"http://{host}/fail").status_code == 500)


def test_what_runs_after_the_response_holds_no_permit() -> None:
    done: list[int] = []

    async def after() -> None:
        while not done:
            await asyncio.sleep(0.01)

    async def endpoint(request: Any) -> Any:
        return PlainTextResponse("sent", background=BackgroundTask(after))

    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(ContractMiddleware, contract=rules("concurrency 1"))
    with asgi_server(app) as host:
        assert [httpx.get(f"http://{host}/").status_code for _ in range(3)] == [200, 200, 200]
        done.append(1)


def test_websockets() -> None:
    async def echo(websocket: Any) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    app = Starlette(routes=[WebSocketRoute("/", echo)])
    guarded = ContractMiddleware(app, rules("concurrency 1"))
    with asgi_server(guarded) as host:
        with connect(f"ws://{host}/") as first:
            assert first.response is not None
            assert first.response.headers["x-ratelimit-limit"] == "1"
            first.send("hello")
            assert first.recv() == "hello"
            with pytest.raises(InvalidStatus) as refused:
                connect(f"ws://{host}/")
            assert refused.value.response.status_code == 429
            assert refused.value.response.headers["x-ratelimit-remaining"] == "0"
        until(lambda: can_connect(host))


def test_scopes_and_messages_may_be_any_mapping() -> None:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"X-RateLimit-Limit", b"its own"), (b"x-own", b"1")]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(UserDict(start))
        await send(MappingProxyType({"type": "http.response.body", "body": b"hello"}))
        assert headers[0] == (b"X-RateLimit-Limit", b"its own"), "the application's own stays"

    async def send(message: Any) -> None:
        sent.append(message)

    scope = UserDict({"type": "http", "path": "/\xfc", "headers": [], "client": ["192.0.2.1", 5]})
    asyncio.run(ContractMiddleware(app, rules("fixed 2/h"))(scope, None, send))  # type: ignore[arg-type]
    names = [name for name, _ in sent[0]["headers"]]
    assert names == [
        b"x-own",
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
    ]
    assert sent[1]["body"] == b"hello"
    assert "ratecell.outcomes" not in scope


def test_websockets_of_servers_that_cannot_answer_the_handshake() -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    async def main() -> None:
        app = ContractMiddleware(never, rules("fixed 1/h"))
        scope = {"type": "websocket", "path": "/", "headers": [], "client": ["192.0.2.1", 5]}
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        with pytest.raises(AssertionError):
            await app(dict(scope), receive, send)
        await app(dict(scope), receive, send)
        assert sent == [{"type": "websocket.close", "code": 1008}]

    asyncio.run(main())


def test_stages_before_and_after_authentication() -> None:
    guard = Guard(STAGES, clock=lambda: 0)
    inner = ContractMiddleware(
        hello, guard, stage="after-auth", values=lambda scope: {"user": scope["user"]}
    )

    async def authenticate(scope: Any, receive: Any, send: Any) -> None:
        scope["user"] = dict(scope["headers"])[b"x-user"]
        await inner(scope, receive, send)

    app = ContractMiddleware(authenticate, guard, stage="before-auth")
    with asgi_server(app) as host:
        found = [httpx.get(f"http://{host}", headers={"x-user": u}) for u in ("a", "a", "b", "c")]
    assert [staged(response) for response in found] == STAGED
    assert all(len(response.headers.get_list("request-id")) == 1 for response in found)
    assert guard.stats()["ip"].refused == 1
    assert guard.stats()["user"].refused == 1


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"exempt": True}, TypeError, "exempt is True; accepted are None and a function"),
        ({"values": {"user": 1}}, TypeError, "values is"),
        ({"stage": "later"}, ValueError, "stage is 'later'; accepted are before-auth, after-auth"),
        ({"cost": -1}, ValueError, "cost is -1; accepted are an int from 0 to 4294967295, and a"),
        ({"cost": 2**32}, ValueError, "cost is 4294967296; accepted are an int from 0 to"),
        ({"cost": True}, TypeError, "cost is True; accepted are an int from 0 to 4294967295"),
        ({"cost": 1.5}, TypeError, "cost is 1.5; accepted are an int from 0 to 4294967295, and a"),
        ({"capacity": 0}, ValueError, "capacity is 0"),
        ({"contract": Guard(rules("1/h")), "capacity": 5}, TypeError, "capacity: accepted only"),
        ({"unknown": 5}, TypeError, "unknown"),
    ],
)
def test_bad_options(options: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        ContractMiddleware(hello, **{"contract": rules("1/h"), **options})
