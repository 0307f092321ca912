"""What a request costs a server, beside slowapi and Flask-Limiter, in one run.

CPU time of the process per request, without a network: an ASGI application is called as a server
calls it, a WSGI one likewise. "bare" is the same service without a limiter. Each figure is the
median of rounds that take turns, and what is over "bare" is so within a round.

A turn is short, because what a limiter costs is less than what the speed of a machine changes by
from one second to the next; its first calls, in caches of whoever came before, do not count.

BENCH_QUICK=1 only shows that everything runs.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

QUICK = os.environ.get("BENCH_QUICK") == "1"
ROUNDS = 2 if QUICK else 150
FIRST_CALLS, CALLS = 5, 20
LOOP = asyncio.new_event_loop()
CONTRACT = """
name = "bench"
[[rule]]
name = "ip"
limit = "fixed {limit}/d"
by = "ip"
[response]
headers = [{headers}]
"""
SHOWN = '"x-ratelimit", "retry-after"'
PLENTY = 1_000_000_000


def plain_apps() -> dict[str, Any]:
    """No framework: what the middleware costs by itself, with its code in the caches."""
    from ratecell import Contract
    from ratecell.asgi import ContractMiddleware

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"17")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"hello":"world"}'})

    def contract(limit: int, headers: str = SHOWN) -> Any:
        text = CONTRACT.format(limit=limit, headers=headers)
        return ContractMiddleware(plain, contract=Contract(text))

    return {
        "ASGI bare": plain,
        "ASGI ratecell contract 200": contract(PLENTY),
        "ASGI ratecell contract, no numbers shown 200": contract(PLENTY, '"retry-after"'),
        "ASGI ratecell contract 429": contract(1),
    }


class PassOn:
    """The least that a middleware can be."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class AddFields(PassOn):
    """The least that a limiter's can be which shows three numbers: it decides nothing."""

    FIELDS = (
        (b"x-ratelimit-limit", b"9"),
        (b"x-ratelimit-remaining", b"8"),
        (b"x-ratelimit-reset", b"7"),
    )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        def shown(message: Any) -> Any:
            if message["type"] == "http.response.start":
                message["headers"].extend(self.FIELDS)
            return send(message)

        await self.app(scope, receive, shown)


def asgi_apps() -> dict[str, Any]:
    from fastapi import Depends
    from ratecell import Contract
    from ratecell.asgi import ContractMiddleware
    from ratecell.starlette import RouteLimit, RouteLimits

    def bare() -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def hello(request: Request) -> dict[str, str]:
            return {"hello": "world"}

        return app

    def within(middleware: Any, **options: Any) -> FastAPI:
        app = bare()
        app.add_middleware(middleware, **options)
        return app

    def contract(limit: int) -> Any:
        text = CONTRACT.format(limit=limit, headers=SHOWN)
        return within(ContractMiddleware, contract=Contract(text))

    def route(limit: int) -> Any:
        app = FastAPI()
        app.add_middleware(RouteLimits)

        @app.get("/")
        @RouteLimit(f"fixed {limit}/d", key="ip").limit
        async def hello(request: Request) -> dict[str, str]:
            return {"hello": "world"}

        return app

    def depends(limit: int) -> Any:
        app = FastAPI(dependencies=[Depends(RouteLimit(f"fixed {limit}/d", key="ip"))])
        app.add_middleware(RouteLimits)

        @app.get("/")
        async def hello(request: Request) -> dict[str, str]:
            return {"hello": "world"}

        return app

    def nothing() -> Any:
        async def dependency(connection: HTTPConnection) -> None:
            pass

        app = FastAPI(dependencies=[Depends(dependency)])

        @app.get("/")
        async def hello(request: Request) -> dict[str, str]:
            return {"hello": "world"}

        return app

    apps = {
        "FastAPI bare": bare(),
        "FastAPI middleware that does nothing": within(PassOn),
        "FastAPI middleware that adds three fields": within(AddFields),
        "FastAPI ratecell contract 200": contract(PLENTY),
        "FastAPI ratecell contract 429": contract(1),
        "FastAPI ratecell route 200": route(PLENTY),
        "FastAPI ratecell route 429": route(1),
        "FastAPI Depends that does nothing": nothing(),
        "FastAPI ratecell Depends 200": depends(PLENTY),
        "FastAPI ratecell Depends 429": depends(1),
    }
    try:
        from slowapi import Limiter, _rate_limit_exceeded_handler
        from slowapi.errors import RateLimitExceeded
        from slowapi.util import get_remote_address
    except ImportError as missing:
        print(f"*** SKIPPED slowapi: {missing} ***")
        return apps

    def slow(limit: int) -> Any:
        app = FastAPI()
        limiter = Limiter(key_func=get_remote_address, headers_enabled=True)
        app.state.limiter = limiter
        app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)

        @app.get("/")
        @limiter.limit(f"{limit}/day")
        async def hello(request: Request) -> JSONResponse:
            return JSONResponse({"hello": "world"})

        return app

    apps["FastAPI slowapi 200"] = slow(PLENTY)
    apps["FastAPI slowapi 429"] = slow(1)
    return apps


def wsgi_apps() -> dict[str, Any]:
    from flask import Flask
    from ratecell import Contract
    from ratecell.flask import RouteLimit
    from ratecell.wsgi import ContractMiddleware

    def bare() -> Flask:
        app = Flask(__name__)
        app.get("/")(lambda: {"hello": "world"})
        return app

    def contract(limit: int) -> Any:
        app = bare()
        app.wsgi_app = ContractMiddleware(  # type: ignore[method-assign]
            app.wsgi_app, Contract(CONTRACT.format(limit=limit, headers=SHOWN))
        )
        return app

    def route(limit: int) -> Any:
        app = Flask(__name__)
        app.get("/")(RouteLimit(f"fixed {limit}/d", key="ip").limit(lambda: {"hello": "world"}))
        return app

    apps: dict[str, Any] = {
        "Flask bare": bare(),
        "Flask ratecell contract 200": contract(PLENTY),
        "Flask ratecell contract 429": contract(1),
        "Flask ratecell route 200": route(PLENTY),
        "Flask ratecell route 429": route(1),
    }
    try:
        from flask_limiter import Limiter
        from flask_limiter.util import get_remote_address
    except ImportError as missing:
        print(f"*** SKIPPED Flask-Limiter: {missing} ***")
        return apps

    def limited(limit: int) -> Any:
        app = Flask(__name__)
        limiter = Limiter(
            get_remote_address, app=app, headers_enabled=True, storage_uri="memory://"
        )
        app.get("/")(limiter.limit(f"{limit}/day")(lambda: {"hello": "world"}))
        return app

    apps["Flask Flask-Limiter 200"] = limited(PLENTY)
    apps["Flask Flask-Limiter 429"] = limited(1)
    return apps


def asgi_round(app: Any, expected: int, calls: int) -> float:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"user-agent", b"bench"), (b"accept", b"*/*")],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 80),
    }
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def main() -> float:
        start = time.process_time_ns()
        for _ in range(calls):
            await app(dict(scope), receive, send)
        return (time.process_time_ns() - start) / calls / 1000

    found = LOOP.run_until_complete(main())
    assert set(statuses) == {expected}, set(statuses)
    return found


def wsgi_round(app: Any, expected: int, calls: int) -> float:
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "bench",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    statuses: list[str] = []

    def start_response(status: str, headers: Any, *_: Any) -> None:
        statuses.append(status)

    start = time.process_time_ns()
    for _ in range(calls):
        body = app(dict(environ), start_response)
        for _chunk in body:
            pass
        close = getattr(body, "close", None)
        if close is not None:
            close()
    found = (time.process_time_ns() - start) / calls / 1000
    assert {status[:3] for status in statuses} == {str(expected)}, statuses[:3]
    return found


def report(apps: dict[str, Any], measure: Callable[[Any, int, int], float]) -> None:
    times: dict[str, list[float]] = {name: [] for name in apps}
    expected = {name: 429 if name.endswith("429") else 200 for name in apps}
    for name, app in apps.items():
        # The first uses up what the refusals are for.
        measure(app, 200, 1)
        measure(app, expected[name], 1)
    order = list(apps.items())
    for _ in range(ROUNDS):
        random.shuffle(order)
        for name, app in order:
            measure(app, expected[name], FIRST_CALLS)
            times[name].append(measure(app, expected[name], CALLS))
    bare = next(iter(times.values()))
    for name, found in times.items():
        # Each beside the bare one of its own round.
        over = statistics.median(one - other for one, other in zip(found, bare))
        ratio = statistics.median(one / other for one, other in zip(found, bare))
        median = statistics.median(found)
        print(f"{name:46}{median:9.1f} us  {over:+9.1f} us  {ratio:6.2f}x bare")
    print()


def main() -> None:
    print(f"{'CPU per request':46}{'median':>12}{'over bare':>14}")
    report(plain_apps(), asgi_round)
    report(asgi_apps(), asgi_round)
    report(wsgi_apps(), wsgi_round)


if __name__ == "__main__":
    main()
