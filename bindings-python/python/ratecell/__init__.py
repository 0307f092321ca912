"""One rate limiter for every language of a service: lock-free, all or nothing, exact waits.

>>> from ratecell import Limiter
>>> limiter = Limiter("ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8")
>>> with limiter.hold({"ip": "192.0.2.1", "key": "alice"}) as held:
...     if not held:
...         print(f"429: {held.rule}, retry after {held.retry_after} s")

A refusal is a value and never an exception; TypeError and ValueError mean that a call makes no
sense. What each kind of rule holds, and the text form of rules, is in the README of the project.

**Processes.** A limiter lives in the process that made it. After a fork, parent and child each go
on with their own copy of what was counted until then: ``gunicorn --workers 4`` admits up to four
times the limit. Divide the limit by the number of workers, or route a key to one worker. Who waits
in the parent is not in line in the child.

**Threads and event loops** may share a limiter. No call but ``wait_sync`` blocks.
"""

from ._limited import RateLimited
from ._limiter import Limiter
from ._ratecell import (
    Contract,
    Decision,
    Guard,
    GuardStats,
    Outcome,
    Permit,
    Plan,
    Rule,
    RuleDecision,
    TableStats,
    __version__,
)

__all__ = [
    "Contract",
    "Decision",
    "Guard",
    "GuardStats",
    "Limiter",
    "Outcome",
    "Permit",
    "Plan",
    "RateLimited",
    "Rule",
    "RuleDecision",
    "TableStats",
    "__version__",
]
