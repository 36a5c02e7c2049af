"""Stored failures as JSON and as sentences."""

from __future__ import annotations

from pipeline.errors import failure_advice, failure_message
from pipeline.values import Failure


def failure_json(failure: Failure | None, language: str) -> dict[str, str] | None:
    """``{"kind", "message", "advice"}``, or None without a failure."""
    if failure is None:
        return None
    return {
        "kind": failure.kind,
        "message": failure_message(failure, language),
        "advice": failure_advice(failure, language),
    }
