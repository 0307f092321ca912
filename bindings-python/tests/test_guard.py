"""A contract and its guard, without a framework."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ratecell import Contract, Guard

CONTRACTS = Path(__file__).parents[2] / "contracts"
KEYED = """
name = "shop"
[[rule]]
name = "key"
limit = "fixed 2/min"
by = "bearer"
[[rule]]
name = "inflight"
limit = "concurrency 1"
by = "bearer"
methods = ["POST"]
[response]
headers = ["x-ratelimit", "retry-after"]
"""


def guard(text: str, **options: Any) -> Guard:
    return Guard(Contract(text), clock=lambda: 0, **options)


@pytest.mark.parametrize("path", sorted(CONTRACTS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_published_contracts_load(path: Path) -> None:
    contract = Contract.load(path)
    assert contract.name == path.stem
    assert contract.rules
    assert Guard(str(path)).admit("GET", "/")


def test_an_outcome_is_a_response_that_is_ready_to_send() -> None:
    shop = guard(KEYED)
    alice: Any = {"headers": [(b"authorization", b"Bearer alice")]}
    outcome = shop.admit("GET", "/", **alice)
    assert outcome
    assert (outcome.passes, outcome.status, outcome.body, outcome.rule) == (True, None, None, None)
    assert outcome.retry_after == 0.0
    assert dict(outcome.headers)["X-RateLimit-Remaining"] == "1"
    assert (b"x-ratelimit-remaining", b"1") in outcome.raw_headers
    assert shop.admit("GET", "/", **alice)
    refused = shop.admit("GET", "/", **alice)
    assert not refused
    assert (refused.status, refused.rule, refused.retry_after) == (429, "key", 60.0)
    assert refused.body is not None
    headers = dict(refused.headers)
    assert headers["Retry-After"] == "60"
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Length"] == str(len(refused.body))
    assert [name.lower().encode() for name in headers] == [name for name, _ in refused.raw_headers]
    stats = shop.stats()["key"]
    assert (stats.allowed, stats.refused, stats.would_have_refused) == (2, 1, 0)
    assert stats.table.keys == 1


def test_permits_are_given_back_once() -> None:
    shop = guard(KEYED)
    alice: Any = {"headers": {"Authorization": "Bearer alice"}.items()}
    with shop.admit("POST", "/", **alice) as outcome:
        assert outcome.holds_permits
        assert shop.admit("POST", "/", **alice).rule == "inflight"
    assert not outcome.holds_permits
    outcome.release()
    with pytest.raises(RuntimeError, match="the permits were given back; accepted is a new"):
        outcome.__enter__()
    assert shop.admit("POST", "/", **alice), "given back at once, as nobody keeps it"
    assert not shop.admit("GET", "/", **alice).holds_permits


def test_header_fields_are_read_wherever_a_framework_keeps_them() -> None:
    text = KEYED.replace('"bearer"', '"header:x-api-key"').replace("fixed 2", "fixed 100")
    ways: list[dict[str, Any]] = [
        {"headers": [(b"x-api-key", b"k\xe9y")]},
        {"headers": (("X-Api-Key", "k\xe9y"),)},
        {"headers": iter([["x-API-key", b"k\xe9y"]])},
        {"environ": {"HTTP_X_API_KEY": "k\xe9y"}},
    ]
    shop = guard(text)
    left = [dict(shop.admit("GET", "/", **way).headers)["X-RateLimit-Remaining"] for way in ways]
    assert left == ["99", "98", "97", "96"]
    assert shop.admit("GET", "/").headers == []


def test_values_limits_and_cost() -> None:
    text = KEYED.replace('"bearer"', '"value:user"')
    shop = guard(text)
    assert shop.admit("GET", "/", values={"user": 7}, cost=2)
    assert not shop.admit("GET", "/", values={"user": (7).to_bytes(8, "little")})
    assert shop.admit("GET", "/", values={"user": 7}, limits={"key": 3})
    assert shop.admit("GET", "/", values={"user": 7}, limits={"key": "fixed 4/min"})
    assert not shop.admit("GET", "/", values=MappingProxyType({"user": 7}))
    assert shop.admit("GET", "/", values={"user": 7}, limits=MappingProxyType({"key": 5}))


def test_addresses_behind_trusted_proxies() -> None:
    text = KEYED.replace('"bearer"', '"ip"')
    proxies: Any = ["10.0.0.0/8", ipaddress.ip_network("fd00::/8"), ipaddress.ip_address("::1")]
    shop = guard(text, trusted_proxies=proxies, forwarded_field="x-forwarded-for")

    def left(peer: Any, forwarded: str = "") -> str:
        headers = [("x-forwarded-for", forwarded)] if forwarded else []
        return dict(shop.admit("GET", "/", peer=peer, headers=headers).headers)[
            "X-RateLimit-Remaining"
        ]

    assert left("192.0.2.1", "203.0.113.9") == "1"
    assert left("10.0.0.1", "203.0.113.9, 192.0.2.1") == "0"
    assert left(ipaddress.ip_address("fd00::1"), "192.0.2.2") == "1"
    assert left("::1", "192.0.2.2, 10.1.2.3") == "0"
    assert left("192.0.2.3:5000") == "1"
    assert left("192.0.2.3") == "0"
    assert left("[2001:db8::1]:5000") == "1"
    assert left("2001:db8::1") == "0"
    # What is no address is nobody's own.
    assert left(None) == "1"
    assert left("testclient") == "0"


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"method": 5}, TypeError, "method"),
        ({"peer": 5}, TypeError, "peer is 5; accepted are str, ipaddress"),
        ({"headers": [], "environ": {}}, TypeError, "headers and environ are both given"),
        ({"headers": 5}, TypeError, "headers is 5; accepted is an iterable of pairs"),
        ({"headers": [5]}, TypeError, "headers has 5; accepted are pairs of name and value"),
        ({"headers": [("a",)]}, TypeError, r"headers has \('a',\); accepted are pairs"),
        ({"headers": ["ab"]}, TypeError, "headers has 'ab'; accepted are pairs"),
        ({"headers": {"authorization": "Bearer a"}}, TypeError, "headers has 'authorization'; acc"),
        ({"headers": [(5, "a")]}, TypeError, "headers has the name 5; accepted are bytes and str"),
        (
            {"headers": [(b"authorization", 5)]},
            TypeError,
            "a header field is 5; accepted are bytes, and str of Latin-1",
        ),
        ({"environ": {"HTTP_AUTHORIZATION": None}}, TypeError, "a header field is None; accepted"),
        ({"environ": {"HTTP_AUTHORIZATION": "Bearer \u20ac"}}, ValueError, "a header field holds"),
        ({"values": {"user": None}}, TypeError, 'values\\["user"\\] is None; accepted are str'),
        ({"values": {5: "user"}}, TypeError, "a name in values is 5; accepted are str"),
        ({"limits": {"key": 1.5}}, TypeError, 'limits\\["key"\\] is 1.5; accepted are an int'),
        ({"limits": {"key": -1}}, ValueError, 'limits\\["key"\\] is -1; accepted is 1 to'),
        ({"limits": {"other": 5}}, ValueError, "limits: found one for the rule `other`"),
        (
            {"limits": {"key": "sliding 5/min"}, "headers": [("authorization", "Bearer a")]},
            ValueError,
            "limits: for the rule `key`",
        ),
        ({"cost": -1}, ValueError, "cost is -1; accepted is 0 to 4294967295"),
        ({"stage": "later"}, ValueError, 'stage is "later"; accepted are "before-auth"'),
    ],
)
def test_bad_requests(arguments: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        guard(KEYED).admit(**{"method": "GET", "path": "/", **arguments})


def test_bad_contracts() -> None:
    with pytest.raises(ValueError, match="4:19: limit: found `fortnight`, expected a unit"):
        Contract('name = "a"\n[[rule]]\nname = "b"\nlimit = "fixed 10/fortnight"\nby = "ip"\n')
    with pytest.raises(TypeError, match="text is 5; accepted is the text of a contract"):
        Contract(5)  # type: ignore[arg-type]
    for path in (5, None, b"contract.toml"):
        with pytest.raises(TypeError, match=f"path is {path!r}; accepted are a str and an os"):
            Contract.load(path)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        Contract.load("no/such/contract.toml")
    with pytest.raises(FileNotFoundError):
        Guard("no/such/contract.toml")


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("name = 5\n")
    with pytest.raises(ValueError, match=r"wrong\.toml:1:8: "):
        Contract.load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"wrong\.toml:1:1: .*expected UTF-8"):
        Contract.load(path)
    path.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(ValueError, match=r"wrong\.toml: found 1048577 bytes, accepted are at most"):
        Contract.load(path)


def test_a_connection_without_an_address_is_believed_if_unix_sockets_are_trusted() -> None:
    text = KEYED.replace('"bearer"', '"ip"')

    def statuses(*peers: Any, **options: Any) -> list[Any]:
        shop = guard(text, forwarded_field="x-forwarded-for", **options)
        outcomes = [
            shop.admit("GET", "/", peer=peer, headers=[("x-forwarded-for", f"192.0.2.{number}")])
            for number, peer in enumerate(peers)
        ]
        return [outcome.status for outcome in outcomes]

    # A socket has no address to servers of ASGI, and one without text to some of WSGI.
    sockets = [None, "", None, ""]
    assert statuses(*sockets, trusted_proxies=["unix:"]) == [None] * 4
    assert statuses(*sockets) == [None, None, 429, 429]
    assert statuses(*["198.51.100.1"] * 3, trusted_proxies=["unix:"]) == [None, None, 429]


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"contract": 5}, TypeError, "contract is 5; accepted are a Contract and the path"),
        ({"capacity": 0}, ValueError, "capacity is 0"),
        ({"clock": 5}, TypeError, "clock is 5; accepted is a callable"),
        ({"when_full": "later"}, ValueError, "when_full is"),
        ({"trusted_proxies": "10.0.0.0/8"}, TypeError, "accepted is an iterable of networks"),
        ({"trusted_proxies": 5}, TypeError, "trusted_proxies is 5; accepted is an iterable of"),
        ({"trusted_proxies": [5]}, TypeError, "trusted_proxies has 5; accepted are networks"),
        ({"trusted_proxies": ["ten"]}, ValueError, "trusted_proxies has 'ten'; accepted are"),
        ({"trusted_proxies": ["unix"]}, ValueError, "10.0.0.0/8, and unix:"),
        ({"forwarded_field": "via"}, ValueError, 'forwarded_field is "via"; accepted are'),
    ],
)
def test_bad_options(options: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        Guard(**{"contract": Contract(KEYED), **options})
