"""Every conformance case through the binding: the format is in conformance/README.md.

Each case is a limiter whose clock the step sets; every field of every answer is compared, and a run
of fewer cases than the files hold does not pass.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ratecell import Decision, Limiter, RuleDecision

# What the files in this repository hold; another folder may hold any number.
GIVEN = {"single.jsonl": 240, "plan.jsonl": 60}
ANSWER = ("verdict", "limit", "remaining", "retry_after_ns", "reset_after_ns")


def folder() -> Path:
    named = os.environ.get("RATECELL_CONFORMANCE")
    if named is None:
        return Path(__file__).parents[2] / "conformance"
    # An empty path would be the folder of the run.
    assert named and Path(named).is_dir(), f"RATECELL_CONFORMANCE={named!r} is no folder"
    return Path(named)


def cases(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    # Not by `splitlines`: a key may hold characters that it takes for the end of a line.
    lines = (folder() / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert lines != [""], f"{name} has no case"
    for number, line in enumerate(lines, start=1):
        case = json.loads(line)
        assert case["steps"], f"{name}:{number}: a case without steps"
        yield f"{name}:{number}: {case['name']},", case


def fields(found: dict[str, Any], *names: str) -> list[Any]:
    assert set(found) == set(names), f"found the fields {sorted(found)}, expected {sorted(names)}"
    return [found[name] for name in names]


def whole(text: Any) -> int:
    """A time: a decimal string, because it can pass 2^53, written in the one way the format has."""
    assert isinstance(text, str) and text == str(int(text)), f"{text!r} is no decimal string"
    return int(text)


def text_of(rule: dict[str, Any]) -> str:
    kind, limit = rule["kind"], rule["limit"]
    if kind != "concurrency":
        whole(rule["period_ns"])
    if kind == "gcra":
        rule = {"burst": limit, **rule}
        _, _, period_ns, burst = fields(rule, "kind", "limit", "period_ns", "burst")
        return f"gcra {limit}/{period_ns}ns burst {burst}"
    if kind == "fixed":
        _, _, period_ns = fields(rule, "kind", "limit", "period_ns")
        return f"fixed {limit}/{period_ns}ns"
    if kind == "sliding":
        rule = {"segments": 14, **rule}
        _, _, period_ns, segments = fields(rule, "kind", "limit", "period_ns", "segments")
        return f"sliding {limit}/{period_ns}ns segments {segments}"
    fields(rule, "kind", "limit")
    assert kind == "concurrency", f"unknown kind {kind}"
    return f"concurrency {limit}"


def numbers(decision: Decision | RuleDecision) -> dict[str, Any]:
    def text(number: int | None) -> str | None:
        return None if number is None else str(number)

    return {
        "verdict": decision.verdict,
        "limit": decision.limit,
        "remaining": decision.remaining,
        "retry_after_ns": text(decision.retry_after_ns),
        "reset_after_ns": text(decision.reset_after_ns),
    }


class Clock:
    """The time that a step sets."""

    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def run_single(case: dict[str, Any], where: str) -> None:
    _, rule, steps = fields(case, "name", "rule", "steps")
    clock = Clock()
    limiter = Limiter(text_of(rule), capacity=64, clock=clock)
    for index, step in enumerate(steps):
        at = f"{where} step {index}"
        if step["op"] == "release":
            _, cost, ok = fields(step, "op", "cost", "ok")
            assert released(lambda cost=cost: limiter.release("k", cost)) == ok, at
            continue
        op, now_ns, cost, expect = fields(step, "op", "now_ns", "cost", "expect")
        fields(expect, *ANSWER)
        clock.now_ns = whole(now_ns)
        decision = {"acquire": limiter.acquire, "peek": limiter.peek}[op]("k", cost)
        assert numbers(decision) == expect, at
        assert bool(decision) == decision.allowed == (expect["verdict"] == "allow"), at


def run_plan(case: dict[str, Any], where: str) -> None:
    _, rules, steps = fields(case, "name", "rules", "steps")
    texts = [
        f"{rule.pop('name')}: {text_of({k: rule[k] for k in rule if k != 'by'})} by {rule['by']}"
        for rule in rules
    ]
    clock = Clock()
    limiter = Limiter("; ".join(texts), capacity=1024, clock=clock)
    for index, step in enumerate(steps):
        at = f"{where} step {index}"
        if step["op"] == "release":
            _, keys, cost = fields(step, "op", "keys", "cost")
            limiter.release(keys, cost)
            continue
        op, now_ns, keys, cost, expect = fields(step, "op", "now_ns", "keys", "cost", "expect")
        governing, expected = fields(expect, "governing", "rules")
        clock.now_ns = whole(now_ns)
        decision = {"acquire": limiter.acquire, "peek": limiter.peek}[op](keys, cost)
        assert decision.rule == governing, at
        assert {name: numbers(own) for name, own in decision.rules.items()} == expected, at
        if governing is not None:
            assert numbers(decision) == expected[governing], at


def released(call: Callable[[], None]) -> bool:
    try:
        call()
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("name", "run"), [("single.jsonl", run_single), ("plan.jsonl", run_plan)])
def test_every_case_gives_the_expected_answer(
    name: str, run: Callable[[dict[str, Any], str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    count = 0
    for where, case in cases(name):
        run(case, where)
        count += 1
    with capsys.disabled():
        print(f"\n{name}: {count} cases through the Python binding")
    assert "RATECELL_CONFORMANCE" in os.environ or count == GIVEN[name]
