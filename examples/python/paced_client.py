"""A client that keeps to a limit, so that it is not refused."""

import httpx
from ratecell import Limiter
from ratecell.httpx import PacedTransport

provider = Limiter("50/s burst 1")


def answer(request: httpx.Request) -> httpx.Response:
    """What the provider says."""
    decision = provider.acquire(request.headers["x-key"])
    return httpx.Response(200 if decision else 429, headers=decision.headers("retry-after"))


paced = PacedTransport("50/s burst 1", transport=httpx.MockTransport(answer))
with httpx.Client(mounts={"https://api.example.com": paced}) as client:
    answers = [client.get("https://api.example.com", headers={"x-key": "k"}) for _ in range(10)]
print([answer.status_code for answer in answers])
