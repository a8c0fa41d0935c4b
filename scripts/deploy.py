"""Deploy a stage: its resources, its functions, and what Chalice can't set. Safe to repeat, and
from another clone: a stage knows what is deployed of it.
"""

from typing import Any

from ops import bytecode, cli, mappings, project, stacks, stage
from ops.cli import Failure, progress
from ops.stage import Stage, client

from chalicelib.services import aws

# Requests a second on the API, and how many more at once. A Marathon keeps four connections; this
# bounds what a flood of wrong tokens can cost.
_RATE_LIMIT = "500"
_BURST_LIMIT = "1000"


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = cli.parser(__doc__ or "")
    parser.add_argument(
        "--alarm-email", metavar="ADDRESS", help="who gets the alarms (default: unchanged)"
    )
    args = parser.parse_args(argv)
    name = args.stage
    project.check_stage(name)
    record = _what_is_deployed(name)
    progress.print(f"Bringing up the resources of stage {name} …")
    here = stacks.make(name, args.alarm_email)
    project.set_environment(name, here.environment())
    if record:
        project.write_record(name, mappings.tidy(here, record))
    stage.begin_deploy(here)
    progress.print("Deploying the functions …")
    bytecode.make()
    project.chalice("deploy", name)
    progress.print("Setting what Chalice can't …")
    mappings.settle(here)
    stage.keep_deployed(here, stage.recorded(name) or {})
    api = stage.find_api(here)
    if api:
        _limit_rate(api["rest_api_id"], _api_stage(name))
    _tell(here, api)
    return 0


def _what_is_deployed(name: str) -> dict[str, Any] | None:
    """What Chalice has to know of the stage; None where nothing is deployed. Raises Failure where
    functions are there and nobody knows the API that belongs to them: Chalice would make another.
    """
    functions = mappings.existing_functions(name)
    if stage.outputs(stage.table_stack(name)) is None:
        kept, begun = None, False
    else:
        here = stage.find(name)
        kept, begun = stage.kept_deployed(here), stage.deploy_begun(here)
    local = stage.recorded(name)
    if not functions:
        stage.deployed_file(name).unlink(missing_ok=True)  # of another account, or destroyed
        return None
    if kept or local or begun:
        return kept or local or {"resources": []}
    raise Failure(
        f"Stage {name} has functions here ({', '.join(functions)}), but neither this clone nor the "
        "stage's table knows which API belongs to them. Chalice would make a second API, and "
        "Marathon would go on posting to the first. Find the clone that deployed it and copy its "
        f".chalice/deployed/{name}.json here; or delete those functions and their API first."
    )


def _limit_rate(api_id: str, api_stage: str) -> None:
    limits = {"rateLimit": _RATE_LIMIT, "burstLimit": _BURST_LIMIT}
    try:
        client("apigateway").update_stage(
            restApiId=api_id,
            stageName=api_stage,
            patchOperations=[
                {"op": "replace", "path": f"/*/*/throttling/{limit}", "value": value}
                for limit, value in limits.items()
            ],
        )
    except aws.ERRORS as error:
        progress.print(
            f"Warning: the API has no rate limit ({aws.error_code(error)}); "
            "set one in the API Gateway console.",
            style="yellow",
        )


def _api_stage(name: str) -> str:
    return str(stage.config()["stages"][name].get("api_gateway_stage", "api"))


def _tell(here: Stage, api: dict[str, Any] | None) -> None:
    if api is None:
        progress.print("The functions are deployed; the app has no API.")
        return
    print(str(api["rest_api_url"]).rstrip("/"))
    progress.print(
        f"\nStage {here.name} is deployed; the line above is its API. Now register a Marathon:\n"
        f"  .venv/bin/python scripts/register.py --stage {here.name} --marathon http://…:8080"
    )


if __name__ == "__main__":
    cli.run(main)
