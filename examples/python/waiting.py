"""Waiting in order of arrival, and limits of functions."""

import asyncio

from ratecell import Limiter, RateLimited

mails = Limiter("100/s burst 1")


@mails.limit(key=lambda user: user)
def send_mail(user: str) -> None:
    """Raises RateLimited, with the decision, where there is no way to answer a refusal."""


async def main() -> None:
    """Waits in order of arrival, under asyncio and trio."""
    for _ in range(3):
        assert await mails.wait("alice", timeout=5)


asyncio.run(main())
try:
    send_mail("alice")
except RateLimited as limited:
    print(f"later: {limited.decision.retry_after} s")
