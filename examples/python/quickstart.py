"""The calls of a limiter."""

import asyncio

from ratecell import Limiter, RateLimited

limiter = Limiter("ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8")

with limiter.hold({"ip": "192.0.2.1", "key": "alice"}) as held:  # gives its permits back
    if not held:  # a refusal is a value, and has cost nothing
        print(f"429: {held.rule}, retry after {held.retry_after} s")

# A customer's own cap for one call, on the state that the key already has.
raised = "fixed 300/min by ip; sliding 1200/min; concurrency 20"
print(limiter.acquire({"key": "alice"}, rules=raised))

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
