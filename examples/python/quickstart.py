"""The calls of a limiter."""

from ratecell import Limiter

limiter = Limiter("ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8")

with limiter.hold({"ip": "192.0.2.1", "key": "alice"}) as held:  # gives its permits back
    if not held:  # a refusal is a value, and has cost nothing
        print(f"429: {held.rule}, retry after {held.retry_after} s")

# A customer's own cap for one call, on the state that the key already has.
raised = "fixed 300/min by ip; sliding 1200/min; concurrency 20"
print(limiter.acquire({"key": "alice"}, rules=raised))
