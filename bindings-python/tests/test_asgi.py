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

from .servers import asgi_server, until

pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")
fastapi = pytest.importorskip("fastapi")
pytest.importorskip("websockets")

from ratecell.asgi import ContractMiddleware, RouteLimits  # noqa: E402
from ratecell.starlette import RouteLimit  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.background import BackgroundTask  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.responses import PlainTextResponse, StreamingResponse  # noqa: E402
from starlette.routing import Route, WebSocketRoute  # noqa: E402
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

PRODUCTLANE = Path(__file__).parents[2] / "contracts" / "productlane.toml"
RULES = """
name = "shop"
[[rule]]
name = "{name}"
limit = "{limit}"
by = "{by}"
[response]
headers = ["x-ratelimit", "retry-after"]
"""


def rules(limit: str, by: str = "ip", name: str = "rule") -> Contract:
    return Contract(RULES.format(limit=limit, by=by, name=name))


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


def can_connect(host: str, path: str = "/", headers: dict[str, str] | None = None) -> bool:
    try:
        with connect(f"ws://{host}{path}", additional_headers=headers):
            return True
    except (InvalidStatus, ConnectionClosed):
        return False


def test_stages_before_and_after_authentication() -> None:
    contract = Contract(
        """
        name = "two"
        [[rule]]
        name = "ip"
        limit = "fixed 3/h"
        by = "ip"
        stage = "before-auth"
        [[rule]]
        name = "user"
        limit = "fixed 1/h"
        by = "value:user"
        [response]
        headers = ["x-ratelimit"]
        [response.always]
        "Request-Id" = "{request_id}"
        """
    )
    guard = Guard(contract, clock=lambda: 0)
    inner = ContractMiddleware(
        hello, guard, stage="after-auth", values=lambda scope: {"user": scope["user"]}
    )

    async def authenticate(scope: Any, receive: Any, send: Any) -> None:
        scope["user"] = dict(scope["headers"])[b"x-user"]
        await inner(scope, receive, send)

    app = ContractMiddleware(authenticate, guard, stage="before-auth")
    with asgi_server(app) as host:
        found = [httpx.get(f"http://{host}", headers={"x-user": u}) for u in ("a", "a", "b", "c")]
    assert [response.status_code for response in found] == [200, 429, 200, 429]
    assert [response.headers["x-ratelimit-limit"] for response in found] == ["1", "1", "1", "3"]
    assert all(len(response.headers.get_list("request-id")) == 1 for response in found)
    assert guard.stats()["ip"].refused == 1
    assert guard.stats()["user"].refused == 1


def fastapi_app() -> Any:
    app = fastapi.FastAPI()
    app.add_middleware(RouteLimits)

    async def who(request: Any) -> str:
        await asyncio.sleep(0)
        return str(request.headers.get("x-user", "nobody"))

    shared = RouteLimit("2/h", key=who, clock=lambda: 0)
    slow = RouteLimit("concurrency 1", key="ip", headers=["x-concurrency"])
    end: list[int] = []

    @app.get("/a", dependencies=[fastapi.Depends(shared)])
    async def a() -> str:
        return "a"

    @app.get("/b", dependencies=[fastapi.Depends(shared)])
    def b() -> Any:
        return PlainTextResponse("b")

    @app.get("/free")
    async def free() -> str:
        return "free"

    @app.get("/slow", dependencies=[fastapi.Depends(slow)])
    async def stream() -> Any:
        async def chunks() -> Any:
            while not end:
                yield b"more"
                await asyncio.sleep(0.01)

        return StreamingResponse(chunks())

    @app.get("/end")
    async def stop() -> None:
        end.append(1)

    @app.get("/fails", dependencies=[fastapi.Depends(slow)])
    async def fails() -> None:
        raise fastapi.HTTPException(418)

    @app.websocket("/ws")
    async def socket(websocket: fastapi.WebSocket, _: None = fastapi.Depends(shared)) -> None:
        await websocket.accept()
        await websocket.close()

    return app


def test_fastapi_dependencies() -> None:
    with asgi_server(fastapi_app()) as host, httpx.Client(base_url=f"http://{host}") as client:
        alice = {"x-user": "alice"}
        first, second = client.get("/a", headers=alice), client.get("/b", headers=alice)
        assert (first.json(), second.text) == ("a", "b")
        assert first.headers["ratelimit"] == '"gcra";r=1;t=1800'
        assert second.headers["ratelimit"].startswith('"gcra";r=0;')
        refused = client.get("/a", headers=alice)
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["violated-policies"] == ["gcra"]
        assert refused.headers["retry-after"] == "1800"
        assert client.get("/b", headers={"x-user": "bob"}).status_code == 200
        assert "ratelimit" not in client.get("/free").headers
        assert can_connect(host, "/ws")
        assert can_connect(host, "/ws")
        assert not can_connect(host, "/ws")


@pytest.mark.parametrize("contract_is_outside", [True, False])
def test_fastapi_dependencies_and_a_contract(contract_is_outside: bool) -> None:
    contract = Contract(RULES.format(limit="fixed 3/h", by="header:x-user", name="whole"))
    app = fastapi_app()
    if contract_is_outside:
        app.add_middleware(ContractMiddleware, contract=contract)
    else:
        app.user_middleware.insert(1, Middleware(ContractMiddleware, contract=contract))
    alice = {"x-user": "alice"}
    with asgi_server(app) as host, httpx.Client(base_url=f"http://{host}", headers=alice) as client:
        found = [client.get("/a") for _ in range(4)]
        assert [response.status_code for response in found] == [200, 200, 429, 429]
        assert [response.headers["x-ratelimit-remaining"] for response in found] == list("2100")
        refused = [response.json()["violated-policies"] for response in found[2:]]
        assert refused == [["gcra"], ["whole"]]
        assert "ratelimit" in found[2].headers
        assert "ratelimit" not in found[3].headers


def test_fastapi_endpoints() -> None:
    app = fastapi.FastAPI()
    app.add_middleware(RouteLimits)
    limit = RouteLimit("1/h", key="header:x-user", clock=lambda: 0)

    @app.api_route("/", methods=["GET", "HEAD"])
    @limit.limit
    async def endpoint(request: fastapi.Request) -> dict[str, str]:
        return {"hello": "world"}

    @app.websocket("/ws")
    @limit.limit
    async def socket(websocket: fastapi.WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    with asgi_server(app) as host, httpx.Client(base_url=f"http://{host}") as client:
        alice = {"x-user": "alice"}
        passed, refused = [client.get("/", headers=alice) for _ in range(2)]
        assert (passed.status_code, passed.json()) == (200, {"hello": "world"})
        assert passed.headers["ratelimit"] == '"gcra";r=0;t=3600'
        assert refused.status_code == 429
        assert refused.json()["violated-policies"] == ["gcra"]
        assert refused.headers.get_list("content-length") == [str(len(refused.content))]
        assert client.head("/", headers=alice).content == b""
        assert can_connect(host, "/ws", {"x-user": "bob"})
        assert not can_connect(host, "/ws", {"x-user": "bob"})


def test_a_route_holds_its_permit_until_the_response_has_been_sent() -> None:
    with asgi_server(fastapi_app()) as host:
        for _ in range(3):
            failed = httpx.get(f"http://{host}/fails")
            assert (failed.status_code, failed.headers["x-concurrency-running"]) == (418, "1")
        with httpx.stream("GET", f"http://{host}/slow") as response:
            chunks = response.iter_raw()  # Collected, it would hang up.
            next(chunks)
            assert httpx.get(f"http://{host}/slow").status_code == 429
            httpx.get(f"http://{host}/end")
        until(lambda: httpx.get(f"http://{host}/fails").status_code == 418)


REFUSED: Any = {"status": 503, "content_type": "text/plain", "body": "later"}


def test_starlette_endpoints() -> None:
    limit = RouteLimit("1/h", key="header:x-api-key", refused=REFUSED)

    @limit.limit
    async def endpoint(request: Any) -> Any:
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(RouteLimits)
    with asgi_server(app) as host:
        found = [httpx.get(f"http://{host}", headers={"x-api-key": "k"}) for _ in range(2)]
    assert [(response.status_code, response.text) for response in found] == [
        (200, "hello"),
        (503, "later"),
    ]
    with pytest.raises(TypeError, match="accepted are coroutine functions"):
        limit.limit(lambda request: None)


def test_a_route_without_its_middleware_says_so() -> None:
    app = fastapi.FastAPI()
    app.get("/", dependencies=[fastapi.Depends(RouteLimit("1/h", key="ip"))])(lambda: "hello")

    async def main() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            await client.get("/")

    with pytest.raises(RuntimeError, match=r"app\.add_middleware\(RouteLimits\)"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"exempt": True}, TypeError, "exempt is True; accepted are None and a function"),
        ({"values": {"user": 1}}, TypeError, "values is"),
        ({"capacity": 0}, ValueError, "capacity is 0"),
        ({"contract": Guard(rules("1/h")), "capacity": 5}, TypeError, "capacity: accepted only"),
        ({"unknown": 5}, TypeError, "unknown"),
    ],
)
def test_bad_options(options: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        ContractMiddleware(hello, **{"contract": rules("1/h"), **options})


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"key": 5}, TypeError, "key is 5; accepted are ip, bearer, header:NAME, and a function"),
        ({"key": "ipv4"}, ValueError, "ipv4"),
        ({"headers": ["x-limit"]}, ValueError, "x-limit"),
        ({"refused": {"status": 99}}, ValueError, "99"),
        ({"rules": "1/fortnight"}, ValueError, "fortnight"),
    ],
)
def test_bad_options_of_a_route(options: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        RouteLimit(**{"rules": "1/h", "key": "ip", **options})
