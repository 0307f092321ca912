"""WSGI and Flask under a real server and a real client."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ratecell import Contract, Guard

from .contracts import STAGED, STAGES, rules, staged
from .servers import until, wsgi_server

flask = pytest.importorskip("flask")
requests = pytest.importorskip("requests")

from ratecell.flask import RouteLimit  # noqa: E402
from ratecell.wsgi import ContractMiddleware  # noqa: E402

PREFETCH = Path(__file__).parents[2] / "contracts" / "prefetch.toml"


def hello(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("X-RateLimit-Limit", "its own"), ("X-Own", "1")])
    return [b"hello"]


def test_a_refusal_has_the_fields_and_body_of_the_guard() -> None:
    def clock() -> int:
        return 0

    app = ContractMiddleware(hello, PREFETCH, clock=clock, limits=lambda environ: {"key": 1})
    guard = Guard(PREFETCH, clock=clock)
    seen: Any = {"peer": "127.0.0.1", "headers": [("x-api-key", "k")], "limits": {"key": 1}}
    with wsgi_server(app) as host:
        guard.admit("GET", "/a%20b", **seen)
        passed = requests.get(f"http://{host}/a%20b", headers={"x-api-key": "k"}, timeout=20)
        expected = guard.admit("GET", "/a%20b", **seen)
        refused = requests.get(f"http://{host}/a%20b", headers={"x-api-key": "k"}, timeout=20)
    assert (passed.status_code, passed.text) == (200, "hello")
    assert passed.headers["X-Concurrency-Running"] == "1"
    assert not expected
    assert (refused.status_code, refused.content) == (expected.status, expected.body)
    for name, value in expected.headers:
        assert refused.headers[name] == value
    assert "X-Own" not in refused.headers


def test_every_option_is_asked_of_each_request() -> None:
    app = ContractMiddleware(
        hello,
        rules("fixed 2/h", by="value:user"),
        exempt=lambda environ: environ["PATH_INFO"] == "/health",
        cost=lambda environ: 2 if environ["PATH_INFO"] == "/dear" else 1,
        values=lambda environ: {"user": environ["HTTP_X_USER"]},
        limits=lambda environ: {"rule": 5} if environ["HTTP_X_USER"] == "rich" else None,
        clock=lambda: 0,
    )
    with wsgi_server(app) as host:

        def left(path: str, user: str) -> Any:
            response = requests.get(f"http://{host}{path}", headers={"x-user": user}, timeout=20)
            assert response.headers["X-RateLimit-Limit"].count(",") == 0
            return response.headers.get("X-RateLimit-Remaining")

        assert [left("/", "poor"), left("/", "poor"), left("/", "poor")] == ["1", "0", "0"]
        assert left("/dear", "other") == "0"
        assert [left("/dear", "rich"), left("/dear", "rich"), left("/", "rich")] == ["3", "1", "0"]
        assert left("/health", "poor") is None


def test_stages_before_and_after_authentication() -> None:
    guard = Guard(STAGES, clock=lambda: 0)
    inner = ContractMiddleware(
        hello, guard, stage="after-auth", values=lambda environ: {"user": environ["user"]}
    )

    def authenticate(environ: Any, start_response: Any) -> Any:
        environ["user"] = environ["HTTP_X_USER"]
        return inner(environ, start_response)

    app = ContractMiddleware(authenticate, guard, stage="before-auth")
    with wsgi_server(app) as host:
        url = f"http://{host}"
        found = [requests.get(url, headers={"x-user": u}, timeout=20) for u in ("a", "a", "b", "c")]
    assert [staged(response) for response in found] == STAGED
    assert all("," not in response.headers["request-id"] for response in found)
    assert [response.headers["x-own"] for response in found[::2]] == ["1", "1"]


def test_an_environ_that_is_used_again_shows_the_later_request() -> None:
    contract = rules("fixed 2/h")
    app = ContractMiddleware(hello, contract, clock=lambda: 0)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.1"}
    shown: list[dict[str, str]] = []
    for _ in range(3):
        app(environ, lambda status, headers, *rest: shown.append(dict(headers)))
    assert [fields["X-RateLimit-Remaining"] for fields in shown] == ["1", "0", "0"]
    assert "ratecell.outcomes" not in environ


def test_functions_that_must_be_awaited_are_an_error() -> None:
    async def values(environ: Any) -> dict[str, Any]:
        return {}

    app = ContractMiddleware(hello, rules("1/h"), values=values)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="has to be awaited"):
        app({"REQUEST_METHOD": "GET"}, None)  # type: ignore[arg-type]


def test_an_environ_that_makes_no_sense_is_told() -> None:
    app = ContractMiddleware(hello, rules("1/h"))
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": None, "PATH_INFO": 5}
    with pytest.raises(TypeError, match="PATH_INFO is 5; accepted is a str"):
        app(environ, None)  # type: ignore[arg-type]
    shown: list[str] = []
    environ["PATH_INFO"] = "/"
    assert app(environ, lambda status, headers: shown.append(status)) == [b"hello"]
    assert shown == ["200 OK"]


class Slow:
    """An application whose body goes on until it is told to end."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.closed = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/fail":
            raise RuntimeError
        start_response("200 OK", [])
        return self.chunks()

    def chunks(self) -> Iterator[bytes]:
        try:
            yield b"first"
            while not self.end.wait(0.01):
                yield b"more" * 10_000
        finally:
            self.closed += 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_permit_is_held_until_the_response_has_been_sent_or_given_up() -> None:
    slow = Slow()
    with wsgi_server(ContractMiddleware(slow, rules("concurrency 1"))) as host:
        url = f"http://{host}"
        with requests.get(url, stream=True, timeout=20) as response:
            chunks = response.iter_content(5)
            assert next(chunks) == b"first"
            assert requests.get(f"{url}/fail", timeout=20).status_code == 429
        # The client has hung up in the middle of the body.
        until(lambda: slow.closed == 1)
        for _ in range(2):
            until(lambda: requests.get(f"{url}/fail", timeout=20).status_code == 500)
        slow.end.set()
        assert requests.get(url, timeout=20).text == "first"
        assert requests.get(url, timeout=20).text == "first"


def flask_app() -> Any:
    app = flask.Flask(__name__)
    shared = RouteLimit(
        "fixed 2/h",
        key=lambda request: request.headers.get("x-user", "nobody"),
        limits=lambda request: {"fixed": 4} if "rich" in request.args else None,
        exempt=lambda request: "free" in request.args,
        clock=lambda: 0,
    )
    one = RouteLimit("concurrency 1", key="ip", headers=["x-concurrency"])

    @app.get("/a")
    @shared.limit
    def a() -> str:
        return "a"

    @app.get("/b/<name>")
    @shared.limit
    def b(name: str) -> Any:
        return {"name": name}

    @app.get("/slow")
    @one.limit
    def slow() -> Any:
        return flask.Response(Slow().chunks())

    @app.get("/fails")
    @one.limit
    def fails() -> Any:
        flask.abort(418)

    return app


def test_flask_views() -> None:
    with wsgi_server(flask_app()) as host, requests.Session() as client:
        url, alice = f"http://{host}", {"x-user": "alice"}
        first = client.get(f"{url}/a", headers=alice, timeout=20)
        second = client.get(f"{url}/b/bob", headers=alice, timeout=20)
        assert (first.text, second.json()) == ("a", {"name": "bob"})
        assert first.headers["ratelimit"] == '"fixed";r=1;t=3600'
        refused = client.get(f"{url}/a", headers=alice, timeout=20)
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert json.loads(refused.content)["violated-policies"] == ["fixed"]
        assert refused.headers["retry-after"] == "3600"
        assert client.get(f"{url}/a?rich", headers=alice, timeout=20).status_code == 200
        free = client.get(f"{url}/a?free", headers=alice, timeout=20)
        assert free.status_code == 200
        assert "ratelimit" not in free.headers


def test_a_flask_view_holds_its_permit_until_the_response_has_been_sent() -> None:
    with wsgi_server(flask_app()) as host:
        url = f"http://{host}"
        for _ in range(3):
            failed = requests.get(f"{url}/fails", timeout=20)
            assert failed.status_code == 418
        with requests.get(f"{url}/slow", stream=True, timeout=20) as response:
            chunks = response.iter_content(5)
            assert next(chunks) == b"first"
            assert requests.get(f"{url}/fails", timeout=20).status_code == 429
        until(lambda: requests.get(f"{url}/fails", timeout=20).status_code == 418)


def test_a_backslash_that_was_sent_counts_as_a_slash_as_in_every_other_layer() -> None:
    contract = """
        name = "shop"
        [[rule]]
        name = "a"
        limit = "fixed 1/h"
        by = "ip"
        paths = ["/v1/a"]
    """
    guard = Guard(Contract(contract), clock=lambda: 0)
    app = ContractMiddleware(hello, guard)
    statuses: list[str] = []
    for path in ("/v1\\a", "/v1/a", "/v1/b"):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "192.0.2.1"}
        app(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["200 OK", "429 Too Many Requests", "200 OK"]


def test_of_two_limits_of_a_view_the_inner_has_the_word() -> None:
    app = flask.Flask(__name__)
    wide, narrow = (
        RouteLimit(text, key="ip", headers=["x-ratelimit", "ratelimit"], clock=lambda: 0)
        for text in ("wide: fixed 9/h", "narrow: fixed 1/h")
    )
    app.get("/")(wide.limit(narrow.limit(lambda: "hello")))
    client = app.test_client()
    found = [client.get("/") for _ in range(2)]
    assert [staged(response) for response in found] == [
        (200, "1", '"wide";r=8;t=3600, "narrow";r=0;t=3600'),
        (429, "1", '"wide";r=7;t=3600, "narrow";r=0;t=3600'),
    ]
    assert found[1].headers.getlist("content-length") == [str(len(found[1].data))]


def test_flask_behind_a_contract() -> None:
    app = flask_app()
    app.wsgi_app = ContractMiddleware(app.wsgi_app, rules("fixed 2/h", by="header:x-user"))
    client = app.test_client()
    found = [client.get("/a", headers={"x-user": "u"}) for _ in range(3)]
    assert [response.status_code for response in found] == [200, 200, 429]
    assert [response.headers["x-ratelimit-remaining"] for response in found] == ["1", "0", "0"]
    assert "ratelimit" in found[0].headers, "the route's own fields stay"


def test_what_is_no_view() -> None:
    with pytest.raises(TypeError, match="is no view; accepted are functions"):
        RouteLimit("1/h", key="ip").limit(5)  # type: ignore[type-var]
