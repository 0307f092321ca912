"""Limits of single routes under a real server and a real client: FastAPI and Starlette."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .contracts import rules, staged
from .servers import asgi_server, can_connect, until

pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")
fastapi = pytest.importorskip("fastapi")
pytest.importorskip("websockets")

from ratecell.asgi import ContractMiddleware, Refused, RouteLimits  # noqa: E402
from ratecell.starlette import RouteLimit  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.responses import PlainTextResponse, StreamingResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402


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
    contract = rules("fixed 3/h", by="header:x-user", name="whole")
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


def test_of_two_limits_of_an_endpoint_the_inner_has_the_word() -> None:
    app = fastapi.FastAPI()
    app.add_middleware(RouteLimits)
    wide, narrow = (
        RouteLimit(text, key="ip", headers=["x-ratelimit", "ratelimit"], clock=lambda: 0)
        for text in ("wide: fixed 9/h", "narrow: fixed 1/h")
    )

    @app.get("/")
    @wide.limit
    @narrow.limit
    async def endpoint(request: fastapi.Request) -> None: ...

    with asgi_server(app) as host:
        found = [httpx.get(f"http://{host}") for _ in range(2)]
    assert [staged(response) for response in found] == [
        (200, "1", '"wide";r=8;t=3600, "narrow";r=0;t=3600'),
        (429, "1", '"wide";r=7;t=3600, "narrow";r=0;t=3600'),
    ]


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


REFUSED: Any = {"status": 503, "content_type": "text/plain", "body": "🕰 later"}


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
        (503, "🕰 later"),
    ]

    async def generator(request: Any) -> Any:
        yield b""

    for other in (generator, Starlette, 5):
        with pytest.raises(TypeError, match="is no endpoint; accepted are functions and coroutine"):
            limit.limit(other)


def test_endpoints_that_run_in_a_thread() -> None:
    app = fastapi.FastAPI()
    app.add_middleware(RouteLimits)
    asked = RouteLimit("1/h", key=lambda request: request.headers["x-user"])
    held = RouteLimit("concurrency 1", key="ip", cost=1)

    async def later(request: Any) -> str:
        return "nobody"

    @app.get("/")
    @asked.limit
    @held.limit
    def endpoint(request: fastapi.Request, word: str = "hello") -> dict[str, str]:
        assert not held.guard.admit("GET", "/", peer="127.0.0.1")
        return {"word": word}

    @app.get("/later")
    @RouteLimit("1/h", key=later).limit
    def wrong(request: fastapi.Request) -> None: ...

    with asgi_server(app) as host, httpx.Client(base_url=f"http://{host}") as client:
        for user in ("alice", "bob"):
            found = [client.get("/?word=x", headers={"x-user": user}) for _ in range(2)]
            assert [response.status_code for response in found] == [200, 429]
            assert found[0].json() == {"word": "x"}
        assert client.get("/later").status_code == 500
    assert [each["name"] for each in app.openapi()["paths"]["/"]["get"]["parameters"]] == ["word"]


def test_a_mounted_application_answers_a_refusal() -> None:
    app, mounted = fastapi.FastAPI(), fastapi.FastAPI()
    app.add_middleware(RouteLimits)
    app.mount("/sub", mounted)
    limit = RouteLimit("1/h", key="header:x-user", headers=["x-ratelimit", "ratelimit"])
    mounted.get("/", dependencies=[fastapi.Depends(limit)])(lambda: "hello")

    @mounted.websocket("/ws")
    async def socket(websocket: fastapi.WebSocket, _: None = fastapi.Depends(limit)) -> None:
        await websocket.accept()
        await websocket.close()

    with asgi_server(app) as host:
        alice = {"x-user": "alice"}
        found = [httpx.get(f"http://{host}/sub/", headers=alice) for _ in range(2)]
        assert [response.status_code for response in found] == [200, 429]
        assert found[1].json()["violated-policies"] == ["gcra"]
        assert found[1].headers.get_list("x-ratelimit-limit") == ["1"]
        assert not can_connect(host, "/sub/ws", alice)


def test_an_application_may_answer_refusals_itself() -> None:
    app = fastapi.FastAPI()
    app.add_middleware(RouteLimits)
    app.get("/", dependencies=[fastapi.Depends(RouteLimit("1/h", key="ip"))])(lambda: "hello")

    @app.exception_handler(Refused)
    async def answer(request: Any, refused: Refused) -> Any:
        return PlainTextResponse(f"not now: {refused.outcome.rule}", 420)

    with asgi_server(app) as host:
        found = [httpx.get(f"http://{host}") for _ in range(2)]
    assert (found[1].status_code, found[1].text) == (420, "not now: gcra")


def test_a_key_alone_is_for_the_only_dimension_of_the_plan() -> None:
    app = fastapi.FastAPI()
    app.add_middleware(RouteLimits)
    one = RouteLimit("1/h by user", key=lambda request: "alice")
    several = RouteLimit("1/h by user; 2/h by org", key=lambda request: "alice")
    app.get("/one", dependencies=[fastapi.Depends(one)])(lambda: "hello")
    app.get("/several", dependencies=[fastapi.Depends(several)])(lambda: "hello")
    with asgi_server(app) as host:
        found = [httpx.get(f"http://{host}/one").status_code for _ in range(2)]
        assert found == [200, 429]
        assert httpx.get(f"http://{host}/several").status_code == 500


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
        ({"key": 5}, TypeError, "key is 5; accepted are ip, bearer, header:NAME, and a function"),
        ({"key": "ipv4"}, ValueError, "^by: found `ipv4`, expected"),
        ({"key": "value:user"}, ValueError, "key is 'value:user'; accepted are ip, bearer"),
        ({"rules": 5}, TypeError, "rules is 5; accepted are a str"),
        ({"stage": "before-auth"}, TypeError, "unexpected keyword argument 'stage'"),
        ({"headers": ["x-limit"]}, ValueError, "x-limit"),
        ({"headers": "ratelimit"}, TypeError, "headers is 'ratelimit'; accepted is an iterable"),
        ({"refused": "later"}, TypeError, "refused is 'later'; accepted are None and a dict"),
        ({"refused": {"status": 99}}, ValueError, "99"),
        ({"rules": "1/fortnight"}, ValueError, "fortnight"),
    ],
)
def test_bad_options_of_a_route(options: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        RouteLimit(**{"rules": "1/h", "key": "ip", **options})
