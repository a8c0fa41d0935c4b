"""How many functions AWS runs at once for an account."""

from ops.stage.clients import client

from chalicelib.services import aws

ENOUGH = 100
REMEDY = "Ask for more: Service Quotas, AWS Lambda, Concurrent executions (usually 1,000)."


def concurrency() -> int | None:
    """The account's limit in this region; None where Lambda does not tell."""
    try:
        return int(client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    except aws.ERRORS:
        return None


def too_low() -> str:
    """What a limit below ENOUGH means; empty where it is not."""
    limit = concurrency()
    if limit is None or limit >= ENOUGH:
        return ""
    return (
        f"Lambda runs at most {limit} functions at once in this account and region. At that limit "
        "API Gateway answers Marathon with 500, and Marathon sends nothing for a while."
    )
