"""Deploy a stage: its resources, its functions, and the settings that Chalice can't make. It is
safe to repeat, also from another clone, since each stage keeps a note of what is deployed.
"""

import argparse
import time
from typing import Any

from ops import cli
from ops.cli import Failure, confirm, out, say, warn
from ops.deploying import (
    alarm_mail,
    bytecode,
    chalice_cli,
    mappings,
    page,
    plan,
    roles,
    senders,
    throttling,
)
from ops.deploying.upgrade import upgrade
from ops.stage import config as stage_config
from ops.stage import deployed, limits, resources, stacks
from ops.stage.deployed import Deployed
from ops.stage.resources import Stage

from chalice.config import Config

from chalicelib.services.topic import FIFO

_TRIES = 8
_PAUSE_SECONDS = 15


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    name = args.stage
    resources.check_ours(name)
    if args.ordered:
        _check_ordered(name, sure=args.yes)
    if args.only_from is not None:
        senders.admit(name, args.only_from)
    before = _what_is_deployed(name)
    _check_losses(name, args.alarm_email, accepted=args.accept_losses)
    stage = _bring_up(name, args.alarm_email, ordered=args.ordered)
    api = _deploy(stage, before)
    upgrade(stage)
    if low := limits.too_low():
        warn(f"{low} {limits.REMEDY}")
    _say_what_is_next(stage, api)
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "")
    mail = parser.add_mutually_exclusive_group()
    mail.add_argument(
        "--alarm-email",
        type=cli.mail,
        metavar="ADDRESS",
        help="who gets the alarms (default: unchanged)",
    )
    mail.add_argument(
        "--no-alarm-email",
        dest="alarm_email",
        action="store_const",
        const="",
        help="nobody gets the alarms by mail",
    )
    parser.add_argument(
        "--only-from",
        type=senders.networks,
        metavar="NETWORKS",
        help="only these may post: 203.0.113.0/24,198.51.100.7; or anywhere (default: unchanged)",
    )
    parser.add_argument(
        "--ordered",
        action="store_true",
        help="for a new stage: queues get each subject's events in order, and nobody else gets any",
    )
    parser.add_argument("--yes", action="store_true", help="with --ordered: don't ask")
    parser.add_argument(
        "--accept-losses",
        action="store_true",
        help="go on though something would be lost: make plan STAGE=… shows what",
    )
    return parser.parse_args(argv)


def _bring_up(name: str, alarm_email: str | None, *, ordered: bool) -> Stage:
    """The stage's resources, and who gets its alarms."""
    say(f"Bringing up the resources of stage {name} …")
    mail_before = stacks.parameters(name).get("AlarmEmail", "")
    stacks.bring_up(name, alarm_email, ordered=ordered)
    stage = resources.find(name)
    alarm_mail.mend(stage)
    if mail_before and alarm_email == "":
        alarm_mail.clear(stage, mail_before)
    return stage


def _deploy(stage: Stage, before: Deployed | None) -> dict[str, Any] | None:
    """The functions, what Chalice can't set, and the API; None where it has none."""
    _set_resources(stage)
    deployed.begin(stage)
    say(f"Deploying the functions, to run on {Config.create().lambda_python_version} …")
    page.ensure_if_possible()
    bytecode.make_alone()
    deploy_functions(stage, before)
    say("Setting what Chalice can't …")
    mappings.settle(stage)
    deployed.keep_copy(stage, deployed.read_local(stage.name) or {}, mappings.package(stage.name))
    api = deployed.find_api(stage)
    if api:
        throttling.limit(api["rest_api_id"], stage_config.api_stage(stage.name))
    return api


def _check_ordered(name: str, *, sure: bool) -> None:
    """Say what order rules out, and ask. Raises Failure for a stage that exists without order."""
    arn = (stacks.outputs(stacks.messaging_stack(name)) or {}).get("TopicArn", "")
    if arn.endswith(FIFO):
        return
    if arn:
        raise Failure(
            f"Stage {name} is deployed, and its events topic does not keep order. That can't be "
            "changed: another topic would take its place, without its subscribers. Deploy a new "
            "stage with --ordered (docs/operations.md, Deploying); or destroy this one (its table "
            f"is kept) and deploy it again: make destroy STAGE={name}, then "
            f"make deploy STAGE={name} ARGS=--ordered, then register and subscribe again."
        )
    say(
        f"The events topic of stage {name} will be a FIFO topic, for as long as the stage exists.\n"
        "Only SQS queues can subscribe to it: no mail address, phone number, function or HTTPS "
        "endpoint. A FIFO queue gets each subject's events in order, once. The alerts topic stays "
        "as it is, for all of them.",
        "yellow",
    )
    if not sure:
        confirm("Go on? Type yes:", "yes")


def _check_losses(name: str, alarm_email: str | None, *, accepted: bool) -> None:
    lost = [each for each in plan.of(name, alarm_email) if each.loss]
    if not lost:
        return
    say(plan.described(lost), "bold red")
    if not accepted:
        raise Failure(
            "Nothing was deployed. If that is what you want: "
            f'make deploy STAGE={name} ARGS="--accept-losses".'
        )


def _what_is_deployed(name: str) -> Deployed | None:
    """What Chalice must know about the stage; None if nothing is deployed. Raises Failure if there
    are functions but their API is not known: Chalice would make another API.
    """
    functions = mappings.existing_functions(name)
    if stacks.outputs(stacks.table_stack(name)) is None:
        kept, begun = None, False
    else:
        stage = resources.find(name)
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


def deploy_functions(stage: Stage, before: Deployed | None) -> None:
    """Let Chalice deploy. A new role takes a while until all of AWS knows it. Raises Failure."""
    for left in reversed(range(_TRIES)):
        if before:
            deployed.write_local(stage.name, mappings.tidy(stage, before))
        try:
            chalice_cli.run("deploy", stage.name)
            return
        except chalice_cli.NotYetAllowed:
            if not left:
                raise
            say(f"Not all of AWS knows the new roles yet. Trying again in {_PAUSE_SECONDS} s …")
            time.sleep(_PAUSE_SECONDS)
            before = deployed.read_local(stage.name) or before or {"resources": []}


def _set_resources(stage: Stage) -> None:
    values, arns = stage.environment(), roles.arns(stage.name)
    if stage_config.set_resources(stage.name, values, arns):
        say(
            f"Wrote the names of the resources of stage {stage.name} and the ARNs of its roles "
            "into .chalice/config.json, from which Chalice reads them. They name the account, and "
            "hold no secret. Commit the file, and other clones can run chalice deploy by itself; "
            "make destroy takes them out again.",
            "dim",
        )


def _say_what_is_next(stage: Stage, api: dict[str, Any] | None) -> None:
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
