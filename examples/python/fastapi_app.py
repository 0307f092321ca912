"""A FastAPI service behind a contract, with a limit of its own on one route."""

import asyncio

import httpx
from fastapi import Depends, FastAPI, Request
from ratecell import Contract
from ratecell.asgi import ContractMiddleware
from ratecell.starlette import RouteLimit, RouteLimits

CONTRACT = Contract(
    """
name = "shop"
[[rule]]
name = "ip"
limit = "fixed 300/min"
by = "ip"
[response]
headers = ["ratelimit", "retry-after"]
"""
)

app = FastAPI()
app.add_middleware(RouteLimits)
app.add_middleware(ContractMiddleware, contract=CONTRACT)  # or the path of a contract file


async def user(request: Request) -> str:
    """Whatever the service knows its callers by."""
    return request.headers.get("x-user", "nobody")


searches = RouteLimit("10/min", key=user)


@app.get("/search", dependencies=[Depends(searches)])
async def search() -> dict[str, str]:
    """Answers ten times a minute and user."""
    return {"found": "nothing"}


async def main() -> None:
    """Ask until it is too much."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        answers = [await client.get("/search", headers={"x-user": "alice"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    print(answers[-1].headers["retry-after"], answers[-1].text)


asyncio.run(main())
