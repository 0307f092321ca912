"""Contracts that tests of several frameworks share."""

from __future__ import annotations

from typing import Any

from ratecell import Contract

STAGES = Contract(
    """
    name = "two"
    [[rule]]
    name = "ip"
    limit = "fixed 3/h"
    by = "ip"
    stage = "before-auth"
    [[rule]]
    name = "user"
    limit = "fixed 1/h"
    by = "value:user"
    [response]
    headers = ["x-ratelimit", "ratelimit"]
    [response.always]
    "Request-Id" = "{request_id}"
    """
)
"""A rule before and one after authentication."""

STAGED = [
    (200, "1", '"ip";r=2;t=3600, "user";r=0;t=3600'),
    (429, "1", '"ip";r=1;t=3600, "user";r=0;t=3600'),
    (200, "1", '"ip";r=0;t=3600, "user";r=0;t=3600'),
    (429, "3", '"ip";r=0;t=3600'),
]
"""What users a, a, b and c of one address see of both: the inner stage has the word."""


def rules(limit: str, by: str = "ip", name: str = "rule") -> Contract:
    """One rule, which shows its numbers."""
    return Contract(f"""
name = "shop"
[[rule]]
name = "{name}"
limit = "{limit}"
by = "{by}"
[response]
headers = ["x-ratelimit", "retry-after"]
""")


def staged(response: Any) -> tuple[int, str, str]:
    """What a response of ``STAGES`` shows."""
    fields = response.headers
    return response.status_code, fields["x-ratelimit-limit"], fields["ratelimit"]
