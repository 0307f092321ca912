"""Contracts that tests of several frameworks share."""

from __future__ import annotations

from ratecell import Contract


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
