"""How many requests the API takes, and which of them apart from others."""

from ops.cli import warn
from ops.sdk import client

from chalicelib.services import aws

# Requests a second, and how many more at once. A Marathon keeps four connections; this bounds what
# a flood of wrong tokens can cost. Marathon's callbacks and the
# relays' batches have limits of their own, so that no flood of other requests uses them up.
_LIMITS = {
    "/~1callback/POST": ("500", "1000"),
    "/~1events/POST": ("100", "200"),
    "/*/*": ("50", "100"),
}


def limit(api_id: str, api_stage: str) -> None:
    """Set the limits of an API; warns where AWS does not take them."""
    patches = [
        {"op": "replace", "path": f"{method}/throttling/{name}", "value": value}
        for method, (rate, burst) in _LIMITS.items()
        for name, value in (("rateLimit", rate), ("burstLimit", burst))
    ]
    try:
        client("apigateway").update_stage(
            restApiId=api_id, stageName=api_stage, patchOperations=patches
        )
    except aws.ERRORS as error:
        warn(
            f"Warning: the API has no rate limit ({aws.error_code(error)}); "
            "set one in the API Gateway console."
        )
