"""Every kind of call once, with nothing but the package: for empty environments of any Python."""

from __future__ import annotations

import asyncio
import ipaddress
import sys

import ratecell


def main() -> None:
    """Fail if anything is not as it should be."""
    limiter = ratecell.Limiter("ip: fixed 3/min by ip; key: sliding 2/min", clock=lambda: 0)
    keys = {"ip": ipaddress.ip_address("192.0.2.1"), "key": "größe"}
    assert limiter.acquire(keys, cost=2)
    assert not limiter.acquire(keys)
    assert limiter.peek(keys).rule == "key"
    assert limiter.acquire(keys, rules="fixed 3/min; sliding 9/min").remaining == 0
    limiter.reset(keys)
    with limiter.hold({"key": b"bytes"}) as held:
        assert held.headers("ratelimit")

    async def wait() -> None:
        soon = ratecell.Limiter("1000/s burst 1")
        for _ in range(3):
            assert await soon.wait(7)
        async with soon.hold("other") as permit:
            assert permit

    asyncio.run(wait())
    contract = ratecell.Contract('name = "a"\n[[rule]]\nname = "b"\nlimit = "1/h"\nby = "ip"\n')
    guard = ratecell.Guard(contract)
    assert guard.admit("GET", "/", peer="192.0.2.1")
    assert guard.admit("GET", "/", peer="192.0.2.1").status == 429
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"ratecell {ratecell.__version__} on Python {version}: fine")


if __name__ == "__main__":
    main()
