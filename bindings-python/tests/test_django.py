"""Django under WSGI and ASGI, with a real server and a real client."""

from __future__ import annotations

import asyncio
import sys
import types
from typing import Any

import pytest
from ratecell import Contract, Guard

from .contracts import staged
from .servers import asgi_server, until, wsgi_server

django = pytest.importorskip("django")
httpx = pytest.importorskip("httpx")

from django.conf import settings  # noqa: E402

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="ratecell_test_urls",
    MIDDLEWARE=["ratecell.django.ContractMiddleware"],
    SECRET_KEY="no secret",
    RATECELL={
        "contract": Guard(
            Contract(
                """
                name = "project"
                [[rule]]
                name = "user"
                limit = "fixed 2/h"
                by = "value:user"
                paths = ["/a/**", "/slow"]
                [[rule]]
                name = "inflight"
                limit = "concurrency 1"
                by = "value:user"
                paths = ["/slow", "/fails"]
                [response]
                headers = ["x-ratelimit", "retry-after"]
                """
            ),
            clock=lambda: 0,
        ),
        "exempt": "ratecell_test_urls.is_health",
        "values": "ratecell_test_urls.values",
        "limits": "ratecell_test_urls.limits",
        "cost": "ratecell_test_urls.cost",
    },
)
urls = types.ModuleType("ratecell_test_urls")
sys.modules["ratecell_test_urls"] = urls
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django.views import View  # noqa: E402
from ratecell.django import ContractMiddleware, RouteLimit  # noqa: E402

limit = RouteLimit("1/h", key=lambda request: request.headers["x-user"], clock=lambda: 0)
wide, narrow = (
    RouteLimit(
        text,
        key=lambda request: request.headers["x-user"],
        headers=["x-ratelimit", "ratelimit"],
        clock=lambda: 0,
    )
    for text in ("wide: fixed 9/h", "narrow: fixed 1/h")
)
ended: list[int] = []


def view(request: Any, name: str = "") -> HttpResponse:
    return HttpResponse(f"hello {name}", headers={"X-RateLimit-Limit": "its own"})


async def async_view(request: Any) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("hello")


class Page(View):
    def get(self, request: Any) -> HttpResponse:
        return HttpResponse("hello")


class AsyncPage(View):
    async def get(self, request: Any) -> HttpResponse:
        await asyncio.sleep(0)
        return HttpResponse("hello")


def slow(request: Any) -> StreamingHttpResponse:
    def chunks() -> Any:
        yield b"first"
        while not ended:
            yield b"more" * 1000

    async def async_chunks() -> Any:
        yield b"first"
        while not ended:
            yield b"more"
            await asyncio.sleep(0.01)

    is_async = hasattr(request, "scope")
    return StreamingHttpResponse(async_chunks() if is_async else chunks())


def fails(request: Any) -> HttpResponse:
    raise ZeroDivisionError


urls.is_health = lambda request: request.path == "/health"
urls.values = lambda request: {"user": request.headers.get("x-user", "nobody")}
urls.limits = lambda request: {"user": 5} if "rich" in request.GET else None
urls.cost = lambda request: int(request.GET.get("cost", 1))
urls.urlpatterns = [
    path("a/<name>", view),
    path("health", view),
    path("one", limit.limit(view)),
    path("one-async", limit.limit(async_view)),
    path("one-class", method_decorator(limit.limit, name="dispatch")(Page).as_view()),
    path("one-async-class", method_decorator(limit.limit, name="dispatch")(AsyncPage).as_view()),
    path("two", wide.limit(narrow.limit(view))),
    path("two-async", wide.limit(narrow.limit(async_view))),
    path("slow", slow),
    path("fails", fails),
]

served = pytest.mark.parametrize(
    "serve",
    [lambda: wsgi_server(get_wsgi_application()), lambda: asgi_server(get_asgi_application())],
    ids=["wsgi", "asgi"],
)


@served
def test_a_contract_in_the_settings(serve: Any, request: Any) -> None:
    user = {"x-user": request.node.name}
    with serve() as host, httpx.Client(base_url=f"http://{host}", headers=user) as client:
        found = [client.get("/a/b%20c"), client.get("/a/b"), client.get("/a/b")]
        assert [response.status_code for response in found] == [200, 200, 429]
        assert found[0].text == "hello b c"
        assert found[0].headers.get_list("x-ratelimit-limit") == ["2"]
        assert found[2].headers["content-type"] == "application/problem+json"
        assert found[2].json()["violated-policies"] == ["user"]
        assert client.get("/a/b?rich=1&cost=3").status_code == 200
        assert "x-ratelimit-limit" in client.get("/health").headers
        assert client.get("/health").headers["x-ratelimit-limit"] == "its own"


@served
def test_views(serve: Any, request: Any) -> None:
    with serve() as host, httpx.Client(base_url=f"http://{host}") as client:
        for name in ("one", "one-async", "one-class", "one-async-class"):
            user = {"x-user": f"{request.node.name} {name}"}
            found = [client.get(f"/{name}", headers=user) for _ in range(2)]
            assert [response.status_code for response in found] == [200, 429]
            assert [response.headers["ratelimit"] for response in found] == [
                '"gcra";r=0;t=3600',
                '"gcra";r=0;t=3600',
            ]


@served
def test_of_two_limits_of_a_view_the_inner_has_the_word(serve: Any, request: Any) -> None:
    with serve() as host, httpx.Client(base_url=f"http://{host}") as client:
        for name in ("two", "two-async"):
            user = {"x-user": f"{request.node.name} {name}"}
            found = [client.get(f"/{name}", headers=user) for _ in range(2)]
            assert [staged(response) for response in found] == [
                (200, "1", '"wide";r=8;t=3600, "narrow";r=0;t=3600'),
                (429, "1", '"wide";r=7;t=3600, "narrow";r=0;t=3600'),
            ]


@served
@pytest.mark.filterwarnings("ignore::Warning")
def test_a_permit_is_held_until_the_response_is_closed(serve: Any, request: Any) -> None:
    ended.clear()
    user = {"x-user": request.node.name}
    with serve() as host, httpx.Client(base_url=f"http://{host}", headers=user) as client:
        for _ in range(3):
            # The client may be back before the server has closed its last response.
            until(lambda: client.get("/fails").status_code == 500)
        with httpx.stream("GET", f"http://{host}/slow", headers=user) as response:
            chunks = response.iter_raw()
            assert next(chunks).startswith(b"first")
            assert client.get("/fails").status_code == 429
        ended.append(1)
        until(lambda: client.get("/fails").status_code == 500)


def test_settings_without_a_contract() -> None:
    class Other(ContractMiddleware):
        setting_name = "NOT_THERE"

    with pytest.raises(ImproperlyConfigured, match='NOT_THERE has no "contract"; accepted are'):
        Other(view)


def test_what_is_no_view() -> None:
    with pytest.raises(TypeError, match="is no view; accepted are functions"):
        limit.limit(5)  # type: ignore[type-var]
