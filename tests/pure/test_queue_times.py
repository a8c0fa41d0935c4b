"""How long an acknowledged event lives on its way to the table: the times fit together."""

from datetime import timedelta

from ops import ROOT
from ops.stage.templates import parse

from chalicelib.services.tokens import CLOCK_SKEW, KEPT_AFTER_REVOCATION

TEMPLATE = parse((ROOT / ".chalice" / "templates" / "messaging.yaml").read_text())
LONGEST_RETENTION = timedelta(days=14)  # SQS's own limit


def queue(name: str) -> dict[str, int]:
    return dict(TEMPLATE["Resources"][name]["Properties"])


def retention(name: str) -> timedelta:
    return timedelta(seconds=queue(name)["MessageRetentionPeriod"])


def until_moved() -> timedelta:
    """How long SQS gives a spill to restore before it moves it to the dead-letter queue."""
    properties = TEMPLATE["Resources"]["SpillQueue"]["Properties"]
    receives = properties["RedrivePolicy"]["maxReceiveCount"]
    return timedelta(seconds=properties["VisibilityTimeout"] * receives)


def test_a_spill_waits_a_hundred_hours_for_the_table() -> None:
    assert until_moved() == timedelta(hours=100)


def test_a_moved_spill_stays_a_week_on_the_dead_letter_queue() -> None:
    # A message keeps its age when SQS moves it.
    assert retention("SpillQueue") == retention("DeadLetterQueue") == LONGEST_RETENTION
    assert retention("DeadLetterQueue") - until_moved() > timedelta(days=7)


def test_a_dead_letter_that_is_sent_again_finds_its_token() -> None:
    # It is a new message then, with another 100 hours to wait.
    waits = retention("DeadLetterQueue") + CLOCK_SKEW
    assert waits < KEPT_AFTER_REVOCATION


def test_the_documents_say_so() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text()
    assert "100 hours" in operations
