"""What the account allows, and who gets the alarms."""

from ops.deploying import alarm_mail
from ops.doctor.findings import Finding
from ops.stage import limits
from ops.stage.resources import Stage


def concurrency(_: Stage) -> list[Finding]:
    """Whether enough functions can run at once."""
    message = limits.too_low()
    return [Finding("warning", "concurrency-low", message, limits.REMEDY)] if message else []


def alarms(stage: Stage) -> list[Finding]:
    """Whether the address that is to get the alarms gets them."""
    mail = alarm_mail.address(stage)
    if not mail or not stage.alarms_topic_arn:
        return []
    match alarm_mail.state(stage, mail):
        case "confirmed":
            return [Finding("ok", "alarm-mail", f"{mail} gets the alarms.")]
        case "unconfirmed":
            message = f"{mail} has not confirmed that it wants the alarms, so it gets none."
            remedy = (
                "Follow the link in the mail that SNS sent, within two days; make deploy "
                f"STAGE={stage.name} sends another."
            )
            return [Finding("warning", "alarm-mail-unconfirmed", message, remedy)]
    message = f"{mail} gets no alarms: its subscription was ended, or expired unconfirmed."
    remedy = (
        f"make deploy STAGE={stage.name} subscribes it again; with ARGS=--no-alarm-email nobody "
        "gets them."
    )
    return [Finding("warning", "alarm-mail-gone", message, remedy)]
