/* ratecell for C++17: the limiter of ratecell.h with ownership, exceptions and chrono.
 *
 * Header-only over the C library; every answer is the C call's. Mistakes are thrown as
 * ratecell::error, a refusal by a limit is a value. A limiter may be used by any number of threads
 * at once; move or destroy it only when none uses it. */

#ifndef RATECELL_HPP
#define RATECELL_HPP

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratecell.h"

namespace ratecell {

/* What a call is, if it is a mistake: a sentence, the status, and the byte of a text. */
class error : public std::runtime_error {
public:
    error(const std::string &what, ratecell_status status, std::optional<std::uint64_t> offset)
        : std::runtime_error(what), status_(status), offset_(offset) {}

    ratecell_status status() const noexcept { return status_; }
    /* The byte of the rules' text that is wrong, from 0; none if no text is. */
    std::optional<std::uint64_t> offset() const noexcept { return offset_; }

private:
    ratecell_status status_;
    std::optional<std::uint64_t> offset_;
};

namespace detail {

inline std::optional<std::uint64_t> known(std::uint64_t number) {
    if (number == RATECELL_UNKNOWN) return std::nullopt;
    return number;
}

inline std::optional<std::chrono::nanoseconds> span(std::uint64_t ns) {
    if (ns == RATECELL_UNKNOWN) return std::nullopt;
    /* A clock that goes back can leave a span of 292 years and more; it is cut, not wrapped. */
    constexpr std::chrono::nanoseconds longest = std::chrono::nanoseconds::max();
    if (ns > static_cast<std::uint64_t>(longest.count())) return longest;
    return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(ns));
}

/* A text as C takes it, which would end at a NUL inside. */
inline const char *rules_text(const std::string &text) {
    const std::size_t nul = text.find('\0');
    if (nul == std::string::npos) return text.c_str();
    throw error("at byte " + std::to_string(nul) + ": found NUL, expected text without it",
                RATECELL_TEXT, nul);
}

inline void check(ratecell_status status) {
    if (status == RATECELL_OK) return;
    if (status == RATECELL_OUT_OF_MEMORY) throw std::bad_alloc();
    ratecell_error last = RATECELL_ERROR_INIT;
    if (ratecell_last_error(&last) == RATECELL_OK && last.status == status) {
        throw error(last.message, status, known(last.offset));
    }
    throw error(ratecell_status_text(status), status, std::nullopt);
}

/* A text that a C call writes by the rules of snprintf. */
template <typename Write>
std::string text(Write write) {
    std::string whole(255, '\0');
    std::size_t length = 0;
    check(write(&whole[0], whole.size() + 1, &length));
    if (length > whole.size()) {
        whole.resize(length);
        check(write(&whole[0], whole.size() + 1, &length));
    }
    whole.resize(length);
    return whole;
}

struct destroy {
    void operator()(ratecell_limiter *limiter) const noexcept { ratecell_limiter_destroy(limiter); }
    void operator()(ratecell_rules *rules) const noexcept { ratecell_rules_destroy(rules); }
    void operator()(ratecell_permit *permit) const noexcept { ratecell_permit_release(permit); }
};

}  // namespace detail

enum class verdict : std::uint32_t {
    allow = RATECELL_ALLOW,
    deny = RATECELL_DENY,
    never = RATECELL_NEVER,
    full = RATECELL_FULL,
};

/* A key of one dimension; both texts must outlive the call that it is given to. */
struct key {
    const char *dimension;
    std::string_view data;
};

/* What a limiter answers: see ratecell_decision. */
class decision {
public:
    bool allowed() const noexcept { return raw_.allowed != 0; }
    explicit operator bool() const noexcept { return allowed(); }
    ratecell::verdict verdict() const noexcept {
        return static_cast<ratecell::verdict>(raw_.verdict);
    }
    /* The position of the governing rule; none if no rule applies to the keys given. */
    std::optional<std::uint32_t> rule() const noexcept {
        if (raw_.rule == RATECELL_NO_RULE) return std::nullopt;
        return raw_.rule;
    }
    std::uint32_t limit() const noexcept { return raw_.limit; }
    std::uint32_t remaining() const noexcept { return raw_.remaining; }
    /* None when no wait helps or nobody can know it. */
    std::optional<std::chrono::nanoseconds> retry_after() const {
        return detail::span(raw_.retry_after_ns);
    }
    std::optional<std::chrono::nanoseconds> reset_after() const {
        return detail::span(raw_.reset_after_ns);
    }
    /* Each applied rule's own answer. */
    const ratecell_rule_decision *begin() const noexcept { return raw_.rules; }
    const ratecell_rule_decision *end() const noexcept { return raw_.rules + raw_.rules_len; }
    const ratecell_decision &raw() const noexcept { return raw_; }
    ratecell_decision *out() noexcept { return &raw_; }

private:
    ratecell_decision raw_ = RATECELL_DECISION_INIT;
};

/* An answer and the permits that it holds, which go back when it ends or is released. */
class permit {
public:
    const ratecell::decision &decision() const noexcept { return decision_; }
    bool allowed() const noexcept { return decision_.allowed(); }
    explicit operator bool() const noexcept { return allowed(); }
    /* Gives the permits back now; units of rates stay taken. */
    void release() noexcept { held_.reset(); }

private:
    friend class limiter;
    ratecell::decision decision_;
    std::unique_ptr<ratecell_permit, detail::destroy> held_;
};

/* Rules that stand in for a limiter's for single calls. */
class rules {
public:
    explicit rules(const std::string &text) {
        ratecell_rules *made = nullptr;
        detail::check(ratecell_rules_create(detail::rules_text(text), &made));
        handle_.reset(made);
    }
    const ratecell_rules *raw() const noexcept { return handle_.get(); }

private:
    std::unique_ptr<ratecell_rules, detail::destroy> handle_;
};

/* Rules, their key tables and a clock. */
class limiter {
public:
    explicit limiter(const std::string &text, const ratecell_options &options = RATECELL_OPTIONS_INIT) {
        ratecell_limiter *made = nullptr;
        detail::check(ratecell_limiter_create(detail::rules_text(text), &options, &made));
        handle_.reset(made);
    }

    decision acquire(std::string_view one, std::uint32_t cost = 1) const {
        decision answer;
        detail::check(ratecell_acquire(raw(), bytes(one), one.size(), cost, answer.out()));
        return answer;
    }
    decision acquire(std::initializer_list<key> keys, std::uint32_t cost = 1) const {
        const given all(keys);
        decision answer;
        detail::check(ratecell_acquire_keys(raw(), all.data(), all.size(), cost, answer.out()));
        return answer;
    }
    decision acquire(const rules &other, std::initializer_list<key> keys,
                     std::uint32_t cost = 1) const {
        const given all(keys);
        decision answer;
        detail::check(ratecell_acquire_with(raw(), other.raw(), all.data(), all.size(), cost,
                                            answer.out()));
        return answer;
    }
    decision peek(std::string_view one, std::uint32_t cost = 1) const {
        decision answer;
        detail::check(ratecell_peek(raw(), bytes(one), one.size(), cost, answer.out()));
        return answer;
    }
    decision peek(std::initializer_list<key> keys, std::uint32_t cost = 1) const {
        const given all(keys);
        decision answer;
        detail::check(ratecell_peek_keys(raw(), all.data(), all.size(), cost, answer.out()));
        return answer;
    }
    [[nodiscard]] permit hold(std::string_view one, std::uint32_t cost = 1) const {
        const ratecell_key alone{nullptr, bytes(one), one.size()};
        return hold_keys(nullptr, &alone, 1, cost);
    }
    [[nodiscard]] permit hold(std::initializer_list<key> keys, std::uint32_t cost = 1) const {
        const given all(keys);
        return hold_keys(nullptr, all.data(), all.size(), cost);
    }
    [[nodiscard]] permit hold(const rules &other, std::initializer_list<key> keys,
                              std::uint32_t cost = 1) const {
        const given all(keys);
        return hold_keys(other.raw(), all.data(), all.size(), cost);
    }
    void release(std::string_view one, std::uint32_t cost = 1) const {
        detail::check(ratecell_release(raw(), bytes(one), one.size(), cost));
    }
    void release(std::initializer_list<key> keys, std::uint32_t cost = 1) const {
        const given all(keys);
        detail::check(ratecell_release_keys(raw(), all.data(), all.size(), cost));
    }
    void reset(std::string_view one) const {
        detail::check(ratecell_reset(raw(), bytes(one), one.size()));
    }
    void reset(std::initializer_list<key> keys) const {
        const given all(keys);
        detail::check(ratecell_reset_keys(raw(), all.data(), all.size()));
    }

    std::uint32_t rule_count() const {
        std::uint32_t count = 0;
        detail::check(ratecell_rule_count(raw(), &count));
        return count;
    }
    /* The name of the rule at a position; empty if there is none. It lives as long as the limiter. */
    std::string_view rule_name(std::uint32_t rule) const noexcept {
        const char *name = ratecell_rule_name(raw(), rule);
        return name ? std::string_view(name) : std::string_view();
    }
    ratecell_counts stats(std::uint32_t rule) const {
        ratecell_counts counts = RATECELL_COUNTS_INIT;
        detail::check(ratecell_stats(raw(), rule, &counts));
        return counts;
    }
    std::uint64_t now_ns() const {
        std::uint64_t now_ns = 0;
        detail::check(ratecell_now(raw(), &now_ns));
        return now_ns;
    }
    std::string text() const {
        return detail::text([this](char *buffer, std::size_t size, std::size_t *length) {
            return ratecell_rules_text(raw(), buffer, size, length);
        });
    }
    /* See ratecell_headers. */
    std::string headers(const decision &answer, std::uint32_t style,
                        std::uint64_t unix_now_ns) const {
        return detail::text([&](char *buffer, std::size_t size, std::size_t *length) {
            return ratecell_headers(raw(), &answer.raw(), style, unix_now_ns, buffer, size, length);
        });
    }
    /* See ratecell_explain. */
    std::string explain(const decision &answer) const {
        return detail::text([&](char *buffer, std::size_t size, std::size_t *length) {
            return ratecell_explain(raw(), &answer.raw(), buffer, size, length);
        });
    }
    const ratecell_limiter *raw() const noexcept { return handle_.get(); }

private:
    /* Keys as C takes them. */
    class given {
    public:
        explicit given(std::initializer_list<key> keys) {
            all_.reserve(keys.size());
            for (const key &each : keys) {
                all_.push_back({each.dimension, bytes(each.data), each.data.size()});
            }
        }
        /* Not NULL even if there are none. */
        const ratecell_key *data() const noexcept {
            static const ratecell_key none{nullptr, nullptr, 0};
            return all_.empty() ? &none : all_.data();
        }
        std::size_t size() const noexcept { return all_.size(); }

    private:
        std::vector<ratecell_key> all_;
    };

    static const void *bytes(std::string_view text) noexcept {
        return text.data() ? text.data() : "";
    }

    permit hold_keys(const ratecell_rules *other, const ratecell_key *keys, std::size_t count,
                     std::uint32_t cost) const {
        permit answer;
        ratecell_permit *held = nullptr;
        detail::check(
            other ? ratecell_hold_with(raw(), other, keys, count, cost, answer.decision_.out(), &held)
                  : ratecell_hold(raw(), keys, count, cost, answer.decision_.out(), &held));
        answer.held_.reset(held);
        return answer;
    }

    std::unique_ptr<ratecell_limiter, detail::destroy> handle_;
};

}  // namespace ratecell

#endif /* RATECELL_HPP */
