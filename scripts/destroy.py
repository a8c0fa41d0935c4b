"""Take a stage down: functions, API, topic, queues, logs. Its table stays, with all its events, and
a later deploy finds it again.
"""

import argparse
import shlex

from ops import cli
from ops.cli import Failure, confirm, out, say, warn
from ops.deploying import chalice_cli, mappings
from ops.marathon import relays
from ops.stage import config as stage_config
from ops.stage import deployed, queues, resources, stacks
from ops.stage.resources import Stage
from ops.subscribing import subscriptions

from chalicelib.services.clusters import Cluster

_REGISTER = ".venv/bin/python scripts/register.py"


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    name = args.stage
    resources.check_ours(name)
    if stacks.outputs(stacks.table_stack(name)) is None:
        raise Failure(f"Stage {name} is not deployed in this account and region: nothing to do.")
    stage = resources.find(name)
    warn_of_senders(stage)
    _warn_of_losses(stage)
    if not args.yes:
        confirm(f"Destroy stage {name}? Its table is kept. Type its name to go on:", name)
    _delete_functions(stage)
    say("Deleting topics, queues and logs …")
    subscriptions.remove_all(stage)
    stacks.delete(stacks.messaging_stack(name))
    stage_config.forget_resources(name, stage.environment())
    out(f"Stage {name} is destroyed. Its table, {stage.table_name}, is kept.")
    say(
        "Its events can still be listed (scripts/events.py). To delete them too, switch off the "
        "table's deletion protection and delete it, then its stack "
        f"{stacks.table_stack(name)}."
    )
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    return parser.parse_args(argv)


def warn_of_senders(stage: Stage) -> None:
    """Warn of the Marathons and relays that will post to an API that is gone."""
    clusters = {cluster.name: cluster for cluster in stage.clusters.all()}
    posting = [each for each in stage.tokens.all() if each.role == "publisher" and each.valid]
    relayed = list(filter(relays.is_relay, posting))
    for token in relayed:
        warn(
            f"A relay of cluster {token.cluster} will find no API, and its spool will fill. Stop "
            "it; then, now or afterwards:\n"
            f"  {_REGISTER} --stage {stage.name} --revoke {token.hash[:12]}"
        )
    for name in sorted({token.cluster for token in posting if token not in relayed}):
        warn(
            f"Cluster {name} is still registered: Marathon will post to an API that is gone. "
            "Unregister it, now or afterwards:\n"
            f"  {_how_to_unregister(stage, clusters.get(name))}"
        )


def _warn_of_losses(stage: Stage) -> None:
    losses = (
        ("spilled events", stage.spill_queue_url),
        ("dead letters", stage.dead_letter_queue_url),
    )
    for what, url in losses:
        if url and (waiting := queues.waiting(url)):
            say(f"{waiting} {what} wait on a queue and will be lost with it.", "bold red")
    for name, count in subscriptions.undelivered(stage).items():
        say(f"{count} undelivered messages lie in {name} and will be lost with it.", "bold red")
    if subscribers := len(list(subscriptions.listed(stage))):
        warn(f"The stage's topics have subscribers ({subscribers}), who must subscribe again.")


def _how_to_unregister(stage: Stage, cluster: Cluster | None) -> str:
    """The command, complete; a password comes from the environment, as at registration."""
    if cluster is None or not cluster.marathon_url:
        return "take the URL out of its --http_endpoints"
    url = shlex.quote(cluster.marathon_url)
    login = f" {cluster.login}" if cluster.login else ""
    return f"{_REGISTER} --stage {stage.name} --marathon {url}{login} --remove"


def _delete_functions(stage: Stage) -> None:
    functions = mappings.existing_functions(stage.name)
    known = deployed.read_copy(stage) or deployed.read_local(stage.name)
    if not functions:
        return
    if known:
        say("Deleting functions and API …")
        deployed.write_local(stage.name, known)
        chalice_cli.run("delete", stage.name)
    else:
        raise Failure(
            f"Nobody knows the API that belongs to {', '.join(functions)}. Copy "
            f".chalice/deployed/{stage.name}.json from the clone that deployed them, "
            "or delete them by hand; then run this again."
        )
    deployed.forget_local(stage.name)


if __name__ == "__main__":
    cli.run(main)
