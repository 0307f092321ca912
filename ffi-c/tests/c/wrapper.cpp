// Every call of ratecell.hpp, and who owns what.

#include <chrono>
#include <string>
#include <type_traits>
#include <utility>

#include "check.h"
#include "ratecell.hpp"

static std::uint64_t noon(void *) { return UINT64_C(1795348800000000000); }

static std::uint64_t moved(void *now_ns) { return *static_cast<const std::uint64_t *>(now_ns); }

static_assert(!std::is_copy_constructible<ratecell::permit>::value, "a permit has one owner");
static_assert(!std::is_copy_constructible<ratecell::limiter>::value, "a limiter has one owner");
static_assert(std::is_nothrow_move_constructible<ratecell::permit>::value, "a permit moves");

int main() {
    using namespace std::chrono_literals;
    ratecell_options options = RATECELL_OPTIONS_INIT;
    options.clock = noon;
    const ratecell::limiter limiter("key: fixed 10/min; inflight: concurrency 2", options);
    CHECK(limiter.rule_count() == 2 && limiter.rule_name(1) == "inflight");
    CHECK(limiter.rule_name(2).empty());
    CHECK(limiter.text() == "key: fixed 10/min by key; inflight: concurrency 2 by key");
    CHECK(limiter.now_ns() == noon(nullptr));

    ratecell::decision decision = limiter.acquire("alice", 2);
    CHECK(decision && decision.allowed() && decision.verdict() == ratecell::verdict::allow);
    CHECK(decision.rule() == 1u && decision.limit() == 2 && decision.remaining() == 0);
    CHECK(decision.retry_after() == 0ns && !decision.reset_after());
    CHECK(decision.end() - decision.begin() == 2 && decision.begin()->remaining == 8);
    decision = limiter.peek("alice");
    CHECK(!decision && decision.verdict() == ratecell::verdict::deny && !decision.retry_after());
    limiter.release("alice", 2);
    CHECK(limiter.peek({{"key", "alice"}}).begin()->remaining == 8);
    limiter.reset({{"key", "alice"}});
    CHECK(limiter.peek("alice").begin()->remaining == 10);
    CHECK(!limiter.acquire({}).rule());
    CHECK(limiter.acquire("").allowed());
    limiter.release({{"key", std::string_view()}});
    limiter.reset("alice");

    {
        ratecell::permit first = limiter.hold("alice");
        ratecell::permit second = limiter.hold({{"key", "alice"}});
        ratecell::permit third = limiter.hold("alice");
        CHECK(first && second && !third && third.decision().rule() == 1u);
        ratecell::permit moved = std::move(first);
        CHECK(!limiter.peek("alice"));
        moved.release();
        moved.release();
        CHECK(limiter.peek("alice").allowed());
        const ratecell::rules more("fixed 20/min; concurrency 5");
        CHECK(limiter.acquire(more, {{"key", "alice"}}).begin()->limit == 20);
        limiter.release("alice");
        CHECK(limiter.hold(more, {{"key", "alice"}}, 4).allowed());
    }
    CHECK(limiter.peek("alice").begin()[1].remaining == 2);
    CHECK(limiter.stats(0).inserted >= 1);

    const std::string headers =
        limiter.headers(limiter.acquire("alice", 11), RATECELL_HEADERS_DRAFT_11, limiter.now_ns());
    CHECK(headers.find("RateLimit-Policy: ") == 0 && headers.find("\r\n") != std::string::npos);
    CHECK(limiter.explain(limiter.peek("alice", 11)).find("never") != std::string::npos);

    try {
        limiter.release("bob");
        CHECK(false);
    } catch (const ratecell::error &error) {
        CHECK(error.status() == RATECELL_RELEASE && !error.offset() && *error.what());
    }
    try {
        const ratecell::limiter twice("7/s; 8/s segments 4");
        CHECK(false);
    } catch (const ratecell::error &error) {
        CHECK(error.status() == RATECELL_TEXT && error.offset() == 9u);
    }
    /* A text for C ends at its first NUL; what stands behind it must not be lost unseen. */
    const std::string cut("9/s; 7/s\0; 1/day", 16);
    try {
        const ratecell::limiter some(cut);
        CHECK(false);
    } catch (const ratecell::error &error) {
        CHECK(error.status() == RATECELL_TEXT && error.offset() == 8u && *error.what());
    }
    try {
        const ratecell::rules some(cut);
        CHECK(false);
    } catch (const ratecell::error &error) {
        CHECK(error.status() == RATECELL_TEXT && error.offset() == 8u);
    }
    /* A wait that nanoseconds cannot hold is the longest that they can. */
    std::uint64_t now_ns = UINT64_MAX;
    options.clock = moved;
    options.clock_context = &now_ns;
    const ratecell::limiter late("1/366d", options);
    CHECK(late.acquire("alice").allowed());
    now_ns = 0;
    CHECK(late.peek("alice").reset_after() == std::chrono::nanoseconds::max());
    return 0;
}
