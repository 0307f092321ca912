"""Bounds of what the core takes, for checks that name an argument before it gets there."""

MAX_COUNT = 2**32 - 1
"""The most that anything is counted in: costs, clients, retries."""

MAX_NS = 2**63 - 1
"""The latest time and the longest span, in nanoseconds."""
