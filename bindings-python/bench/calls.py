"""What a call costs, beside other limiters of Python, in one run.

Each limiter has its round in turn, and each figure is the median of its rounds, so that noise
meets all of them alike. "allowed" is far below any limit; "denied" is with the limit used up. A
call takes a key from a list, and the time of a bare loop over that list is taken off. Memory is
what a process grows by with 100,000 keys. Times are CPU time, so that a busy machine tells less.

BENCH_QUICK=1 only shows that everything runs.
"""

from __future__ import annotations

import contextlib
import datetime
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

QUICK = os.environ.get("BENCH_QUICK") == "1"
ROUNDS = 2 if QUICK else 15
CALLS = 1_000 if QUICK else 5_000
MANY = 1_000 if QUICK else 100_000
PLENTY = 1_000_000_000

Call = Callable[[str], object]


def ratecell(limit: int) -> Call:
    from ratecell import Limiter

    # Four fifths full, as its capacity is meant.
    return Limiter(f"{limit}/h", capacity=MANY * 5 // 4).acquire


def ratecell_fixed(limit: int) -> Call:
    from ratecell import Limiter

    return Limiter(f"fixed {limit}/h", capacity=MANY * 5 // 4).acquire


def ratecell_sliding(limit: int) -> Call:
    from ratecell import Limiter

    return Limiter(f"sliding {min(limit, 8_000_000)}/h", capacity=MANY * 5 // 4).acquire


def limits_fixed(limit: int) -> Call:
    return _limits("FixedWindowRateLimiter", limit)


def limits_sliding(limit: int) -> Call:
    return _limits("SlidingWindowCounterRateLimiter", limit)


def _limits(strategy: str, limit: int) -> Call:
    import limits

    limiter = getattr(limits.strategies, strategy)(limits.storage.MemoryStorage())
    item = limits.RateLimitItemPerHour(limit)
    return lambda key: limiter.hit(item, key)


def throttled(limit: int) -> Call:
    from throttled import RateLimiterType, Throttled, per_hour, store

    # Its store keeps 1,024 keys unless told, and forgets the others.
    memory = store.MemoryStore(options={"MAX_SIZE": 2 * MANY})
    using, quota = RateLimiterType.GCRA.value, per_hour(limit, burst=limit)
    return Throttled(using=using, quota=quota, store=memory).limit


def token_bucket(limit: int) -> Call:
    import token_bucket

    return token_bucket.Limiter(limit / 3600, limit, token_bucket.MemoryStorage()).consume


def floodgate(limit: int) -> Call:
    from floodgate import FixedMapping

    return FixedMapping(limit, datetime.timedelta(hours=1)).trigger


SUBJECTS = [
    ratecell,
    ratecell_fixed,
    ratecell_sliding,
    limits_fixed,
    limits_sliding,
    throttled,
    token_bucket,
    floodgate,
]


def had() -> Iterator[Callable[[int], Call]]:
    """The subjects that can be had here."""
    for subject in SUBJECTS:
        try:
            subject(1)("key")
        except ImportError as missing:
            print(f"*** SKIPPED {subject.__name__}: {missing} ***")
        else:
            yield subject


def loop_ns(call: Call, keys: list[str]) -> float:
    start = time.thread_time_ns()
    for key in keys:
        call(key)
    return (time.thread_time_ns() - start) / len(keys)


def empty_loop_ns(keys: list[str]) -> float:
    start = time.thread_time_ns()
    for _key in keys:
        pass
    return (time.thread_time_ns() - start) / len(keys)


def medians(calls: dict[str, Call], keys: list[str]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            chosen = random.choices(keys, k=CALLS)
            times[name].append(loop_ns(call, chosen) - empty_loop_ns(chosen))
    return {name: statistics.median(found) for name, found in times.items()}


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def grown_by(subject: Callable[[int], Call], answer: Any) -> None:
    """In a process of its own: the bytes for each of many keys."""
    keys = [f"user:{number}" for number in range(MANY)]
    subject(5)("warm")
    before = resident_bytes()
    call = subject(PLENTY)
    for key in keys:
        call(key)
    answer.put((resident_bytes() - before) / MANY)


def bytes_a_key(subject: Callable[[int], Call]) -> float:
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    process = context.Process(target=grown_by, args=(subject, answer))
    process.start()
    process.join()
    return float(answer.get()) if process.exitcode == 0 else float("nan")


def main() -> None:
    subjects = list(had())
    one, many = ["user:1"], [f"user:{number}" for number in range(MANY)]
    columns: dict[str, dict[str, float]] = {}
    for title, keys, denied in [
        ("1 key allowed", one, False),
        ("1 key denied", one, True),
        (f"{MANY:,} keys allowed", many, False),
        (f"{MANY:,} keys denied", many, True),
    ]:
        calls: dict[str, Call] = {}
        for subject in subjects:
            calls[subject.__name__] = call = subject(1 if denied else PLENTY)
            for key in keys:
                call(key)
        columns[title] = medians(calls, keys)
    print(f"{'ns per call':18}" + "".join(f"{title:>26}" for title in columns))
    for subject in subjects:
        row = f"{subject.__name__:18}"
        for found in columns.values():
            ratio = found[subject.__name__] / found["ratecell"]
            row += f"{found[subject.__name__]:16,.0f} ({ratio:5.1f}x)"
        print(row)
    print()
    for subject in subjects:
        with contextlib.suppress(OSError):
            print(f"{subject.__name__:18}{bytes_a_key(subject):8,.0f} bytes a key at {MANY:,} keys")


if __name__ == "__main__":
    main()
