"""Programs as users write them, for the type checkers alone: nobody runs this."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, MutableMapping
from typing import Any

import flask
import httpx
import requests
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from ratecell import (
    Contract,
    Decision,
    Guard,
    GuardStats,
    Limiter,
    Outcome,
    Permit,
    Plan,
    RateLimited,
    Rule,
    RuleDecision,
    TableStats,
)
from ratecell.asgi import ContractMiddleware, RouteLimits
from ratecell.flask import RouteLimit as FlaskRouteLimit
from ratecell.httpx import AsyncPacedTransport, Pace, PacedTransport
from ratecell.requests import PacedAdapter
from ratecell.starlette import RouteLimit
from ratecell.wsgi import ContractMiddleware as WsgiMiddleware

limiter = Limiter("1/min", capacity=5, when_full="allow", clock=lambda: 0)
keys: dict[str, str] = {"ip": "192.0.2.1"}
numbers: Mapping[str, int] = {"user": 1}
decision: Decision = limiter.acquire(keys)
decision = limiter.peek({"ip": ipaddress.ip_address("::1"), "key": 5}, cost=2)
decision = limiter.acquire(numbers, rules=Plan("2/min"))
wait: float | None = decision.retry_after
each: dict[str, RuleDecision] = decision.rules
rules: tuple[Rule, ...] = limiter.plan.rules
fields: dict[str, str] = decision.headers("x-ratelimit", "retry-after", reset="seconds")
table: TableStats = limiter.stats()["gcra"]


@limiter.limit(key=lambda user: user)
def plain(user: str) -> int:
    return len(user)


async def named(user: str, *, times: int = 1) -> str:
    return user * times


@limiter.limit(key=named, cost=2, rules="1/min")
async def coroutine(user: str, *, times: int = 1) -> int:
    return len(user) * times


async def main() -> None:
    first: int = plain("alice")
    second: int = await coroutine("alice", times=first)
    waited: Decision = await limiter.wait("alice", second, timeout=1)
    with limiter.hold("alice") as held:
        permit: Permit = held
    async with limiter.hold(b"alice", 2) as held:
        permit.release()
    try:
        plain("alice")
    except RateLimited as limited:
        waited = limited.decision
    print(waited, held)


guard = Guard(Contract("..."), trusted_proxies=["10.0.0.0/8", ipaddress.ip_network("fd00::/8")])
limits: dict[str, int] = {"key": 5}
pairs: list[tuple[bytes, bytes]] = [(b"x-api-key", b"k")]
outcome: Outcome = guard.admit("GET", "/", headers=pairs, values=keys, limits=limits)
outcome = guard.admit("GET", "/", headers={"x-api-key": "k"}.items(), peer=None)
counted: GuardStats = guard.stats()["key"]


def values_of(scope: MutableMapping[str, Any]) -> dict[str, str]:
    return {"user": scope["user"]}


async def values_later(scope: MutableMapping[str, Any]) -> dict[str, bytes]:
    return {"user": scope["user"]}


def limits_of(scope: MutableMapping[str, Any]) -> dict[str, int] | None:
    return {"key": 5} if scope["user"] else None


app = FastAPI()
app.add_middleware(RouteLimits)
app.add_middleware(ContractMiddleware, contract="a.toml", values=values_of, limits=limits_of)
app.add_middleware(ContractMiddleware, contract=guard, values=values_later, cost=2)


async def key_of(request: Request) -> str:
    return request.headers["x-user"]


def request_limits(request: Request) -> dict[str, int]:
    return {"gcra": 5}


refused: dict[str, str] = {"body": "later"}
route = RouteLimit("1/min", key=key_of, limits=request_limits, refused=refused, capacity=5)
router = APIRouter(dependencies=[Depends(route)])


@app.get("/")
@route.limit
async def endpoint(request: Request) -> str:
    return "hello"


@app.websocket("/ws")
@route.limit
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()


def environ_values(environ: dict[str, Any]) -> dict[str, str]:
    return {"user": environ["HTTP_X_USER"]}


site = flask.Flask("site")
guarded = WsgiMiddleware(site.wsgi_app, "a.toml", values=environ_values)
page_limit = FlaskRouteLimit("1/min", key=lambda request: request.remote_addr or "")


@site.get("/")
@page_limit.limit
def page() -> str:
    return "hello"


client = httpx.Client(transport=PacedTransport("1/min"))
async_client = httpx.AsyncClient(transport=AsyncPacedTransport(Pace("1/min", sharers=2)))
session = requests.Session()
session.mount("https://", PacedAdapter("1/min", max_retries=2))
