"""Deploy a stage: its resources, its functions, and the settings that Chalice can't make. It is
safe to repeat, also from another clone, since each stage keeps a note of what is deployed.
"""

import argparse
import re
from typing import Any

from ops import (
    bytecode,
    chalice_cli,
    cli,
    deployed,
    mappings,
    plan,
    policies,
    stacks,
    stages,
    throttling,
)
from ops import config as stage_config
from ops.cli import Failure, out, say
from ops.deployed import Deployed
from ops.stages import Stage
from ops.upgrade import upgrade

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = cli.parser(__doc__ or "")
    parser.add_argument(
        "--alarm-email",
        type=_mail,
        metavar="ADDRESS",
        help="who gets the alarms (default: unchanged)",
    )
    parser.add_argument(
        "--accept-losses",
        action="store_true",
        help="go on though something would be lost: make plan STAGE=… shows what",
    )
    args = parser.parse_args(argv)
    name = args.stage
    stages.check_ours(name)
    before = _what_is_deployed(name)
    _check_losses(name, args.alarm_email, accepted=args.accept_losses)
    say(f"Bringing up the resources of stage {name} …")
    stacks.bring_up(name, args.alarm_email)
    stage = stages.find(name)
    policies.write(name)
    _set_variables(stage)
    if before:
        deployed.write_local(name, mappings.tidy(stage, before))
    deployed.begin(stage)
    say("Deploying the functions …")
    bytecode.make_alone()
    chalice_cli.run("deploy", name)
    say("Setting what Chalice can't …")
    mappings.settle(stage)
    deployed.keep_copy(stage, deployed.read_local(name) or {}, mappings.package(name))
    api = deployed.find_api(stage)
    if api:
        throttling.limit(api["rest_api_id"], stage_config.api_stage(name))
    upgrade(stage)
    _tell(stage, api)
    return 0


def _check_losses(name: str, alarm_email: str | None, *, accepted: bool) -> None:
    lost = [each for each in plan.of(name, alarm_email) if each.loss]
    if not lost:
        return
    say(plan.told(lost), "bold red")
    if not accepted:
        raise Failure(
            "Nothing was changed. If that is what you want: "
            f'make deploy STAGE={name} ARGS="--accept-losses".'
        )


def _mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no mail address")
    return text


def _what_is_deployed(name: str) -> Deployed | None:
    """What Chalice must know about the stage; None if nothing is deployed. Raises Failure if there
    are functions but their API is not known: Chalice would make another API.
    """
    functions = mappings.existing_functions(name)
    if stacks.outputs(stacks.table_stack(name)) is None:
        kept, begun = None, False
    else:
        stage = stages.find(name)
        kept, begun = deployed.read_copy(stage), deployed.has_begun(stage)
    local = deployed.read_local(name)
    if not functions:
        deployed.forget_local(name)  # of another account, or destroyed
        return None
    if kept or local or begun:
        return kept or local or {"resources": []}
    raise Failure(
        f"Stage {name} has functions here ({', '.join(functions)}), but neither this clone nor the "
        "stage's table knows which API belongs to them. Chalice would make a second API, and "
        "Marathon would go on posting to the first. Find the clone that deployed it and copy its "
        f".chalice/deployed/{name}.json here; or delete those functions and their API first."
    )


def _set_variables(stage: Stage) -> None:
    changed = stage_config.set_variables(stage.name, stage.environment())
    if changed:
        say(
            f"Wrote {', '.join(changed)} of stage {stage.name} into .chalice/config.json, from "
            "which Chalice reads them. They name resources (and so the account), and hold no "
            "secret. Commit the file, and other clones can run chalice deploy by itself; "
            "make destroy takes them out again.",
            "dim",
        )


def _tell(stage: Stage, api: dict[str, Any] | None) -> None:
    if api is None:
        say("The functions are deployed; the app has no API.")
        return
    out(str(api["rest_api_url"]).rstrip("/"))
    say(
        f"\nStage {stage.name} is deployed; the line above is its API. Now register a Marathon:\n"
        f"  .venv/bin/python scripts/register.py --stage {stage.name} --marathon http://…:8080"
    )


if __name__ == "__main__":
    cli.run(main)
