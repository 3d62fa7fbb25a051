"""Billing must not import the scheduler, so what both know by number is compared here."""

from billing.usage import CAUSES
from scheduler.events import Cause


def test_causes_are_the_scheduler_s() -> None:
    assert tuple(cause.name.lower() for cause in Cause) == CAUSES
