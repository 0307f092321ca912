"""The sequences of requests that every language answers alike: contract/tests/replay/README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ratecell import Contract, Guard, Outcome

FILE = Path(__file__).parents[2] / "contract" / "tests" / "replay" / "sequences.jsonl"
SEQUENCES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def guard_of(sequence: dict[str, Any], now: list[int]) -> Guard:
    return Guard(
        Contract(sequence["contract"]),
        capacity=256,
        clock=lambda: now[0],
        trusted_proxies=sequence["trusted_proxies"],
        forwarded_field=sequence["forwarded_field"],
    )


def values_of(step: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value["text"] if "text" in value else int(value["integer"])
        for name, value in step["values"]
    }


def answer(outcome: Outcome) -> dict[str, Any]:
    fields = [list(field) for field in outcome.headers]
    shown = {"request_id": outcome.request_id, "would_refuse": list(outcome.would_refuse)}
    if outcome.passes:
        return {**shown, "fields": fields, "holds_permits": outcome.holds_permits}
    assert outcome.body is not None
    (_, content_type), (_, length) = fields[-2:]
    assert length == str(len(outcome.body))
    wait = outcome.retry_after_ns
    return {
        **shown,
        "fields": fields[:-2],
        "status": outcome.status,
        "rule": outcome.rule,
        "content_type": content_type,
        "body": outcome.body.decode(),
        "retry_after_ns": None if wait is None else str(wait),
    }


@pytest.mark.parametrize("number", range(len(SEQUENCES)))
def test_a_guard_answers_as_in_rust(number: int) -> None:
    sequence, now = SEQUENCES[number], [0]
    guard = guard_of(sequence, now)
    held: dict[int, Outcome] = {}
    for place, step in enumerate(sequence["steps"]):
        if "release" in step:
            if step["release"] in held:
                held.pop(step["release"]).release()
            continue
        now[0] = int(step["now_ns"])
        try:
            held[place] = guard.admit(
                step["method"],
                step["path"],
                peer=step["peer"],
                headers=step["headers"],
                values=values_of(step),
                limits=dict(step["limits"]),
                cost=step["cost"],
                stage=step["stage"],
            )
            found: Any = answer(held[place])
        except ValueError:
            found = "error"
        assert found == step["expect"], step
    counted = [
        [name, one.allowed, one.refused, one.would_have_refused]
        for name, one in guard.stats().items()
    ]
    assert counted == sequence["stats"]
