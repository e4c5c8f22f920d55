"""How a property of a hand-in can fail. Anything else that a property raises is a fault of ours."""

from typing import Any


class Unmet(AssertionError):
    """The hand-in does not have the property. `outcome` is the word of the report for how.

    figures are what a report can show: what, index, actual, expected, error, allowed.
    """

    outcome = "failed"

    def __init__(self, message: str, **figures: Any) -> None:
        super().__init__(message)
        self.figures = figures


class Wrong(Unmet):
    """A result has another value, shape or type than it should have."""


class Crashed(Unmet):
    """The hand-in raised an exception, or its process ended."""

    outcome = "crashed"


class NotThere(Unmet):
    """Something that the property rests on is missing or not written yet."""

    outcome = "not_run"


class TimedOut(Unmet):
    """The hand-in did not answer within its time."""

    outcome = "timed_out"
