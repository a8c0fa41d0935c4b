"""How many requests the API takes, and which of them apart from others."""

from collections.abc import Iterator

from ops.cli import warn
from ops.stage.clients import client

from chalicelib.services import aws

# Requests a second, and how many more at once. A Marathon keeps four connections; this bounds what
# a flood of wrong tokens can cost. Marathon's callbacks and the relays' batches have limits of
# their own, so that no flood of other requests uses them up.
LIMITS = {
    "/~1callback/POST": ("500", "1000"),
    "/~1events/POST": ("100", "200"),
    "/*/*": ("50", "100"),
}


def limit(api_id: str, api_stage: str) -> None:
    """Set the limits of an API; warns where AWS does not take them."""
    patches = [
        {"op": "replace", "path": f"{method}/throttling/{name}", "value": value}
        for method, (rate, burst) in LIMITS.items()
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


def differences(api_id: str, api_stage: str) -> Iterator[tuple[str, str, str]]:
    """The limits that an API does not have as they should be: method, present limit, wanted one."""
    found = client("apigateway").get_stage(restApiId=api_id, stageName=api_stage)
    present = {_plain(path): each for path, each in found.get("methodSettings", {}).items()}
    for method, (rate, burst) in LIMITS.items():
        now = present.get(_plain(method), {})
        limits = now.get("throttlingRateLimit"), now.get("throttlingBurstLimit")
        if limits != (float(rate), int(burst)):
            was = f"{limits[0]:g}" if limits[0] else "no limit"
            yield _plain(method), was, f"{rate} ({burst} at once)"


def _plain(method: str) -> str:
    """A method's path as people write it: API Gateway writes ``~1`` for a slash within it."""
    return method.lstrip("/").replace("~1", "/")
