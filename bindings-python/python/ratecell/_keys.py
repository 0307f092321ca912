"""What a key may be."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Union

Key = Union[str, bytes, int, IPv4Address, IPv6Address]
"""One key. A str is its UTF-8 bytes, an int (0 to 2**64 - 1) its 8 little-endian bytes, an address
its octets; an IPv6 address that carries an IPv4 one is that one."""

Keys = Union[Key, Mapping[str, Key]]
"""A key alone, or one for each dimension that the call has."""
