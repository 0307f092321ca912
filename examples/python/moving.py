"""What the page on moving from other limiters says, as code that runs."""

from ratecell import Limiter, Plan

# limits: parse("10 per minute"), FixedWindowRateLimiter(storage).hit(item, "alice")
limiter = Limiter("fixed 10 per minute")
assert limiter.acquire("alice")

# limits: parse_many("100/hour;10/minute"), a hit of each in turn
both = Limiter("hour: fixed 100/hour; minute: fixed 10/minute")
assert both.acquire("alice").rule == "minute"

# limits: limiter.test(item, "alice"); limiter.get_window_stats(item, "alice")
seen = limiter.peek("alice")
assert (bool(seen), seen.remaining) == (True, 9)
assert seen.reset_after is not None

# limits: MovingWindowRateLimiter
strict = Limiter("sliding 10 per minute")

# limits: limiter.hit(item, "tenant", "user")
by_user = Limiter("10 per minute by user")
assert by_user.acquire({"tenant": "acme", "user": "alice"})

# limits: limiter.clear(item, "alice")
limiter.reset("alice")
assert limiter.peek("alice").remaining == 10

assert str(Plan("100 per 2 hours")) == "gcra: gcra 100/2h burst 100 by key"
print("moved")
