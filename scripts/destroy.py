"""Take a stage down: functions, API, topic, queues, logs. Its table stays, with all its events, and
a later deploy finds it again.
"""

import argparse
import sys

from ops import cli, mappings, project, stacks, stage
from ops.cli import Failure, progress
from ops.stage import Stage, client


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    project.check_stage(args.stage)
    here = stage.find(args.stage)
    _warn(here)
    if not args.yes:
        _ask(args.stage)
    _delete_functions(here)
    progress.print("Deleting topic, queues and logs …")
    stacks.delete(stage.messaging_stack(args.stage))
    project.set_environment(args.stage, dict.fromkeys(here.environment(), ""))
    print(f"Stage {args.stage} is destroyed. Its table, {here.table_name}, is kept.")
    progress.print(
        "Its events can still be listed (scripts/events.py). To delete them too, switch off the "
        "table's deletion protection and delete it, then its stack "
        f"{stage.table_stack(args.stage)}."
    )
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    return parser.parse_args(argv)


def _warn(here: Stage) -> None:
    """Tell who will post into the void, and what would be lost."""
    clusters = {cluster.name: cluster for cluster in here.clusters.all()}
    posting = [t for t in here.tokens.all() if t.role == "publisher" and t.revoked_at is None]
    for name in sorted({token.cluster for token in posting}):
        marathon = clusters[name].marathon if name in clusters else ""
        how = (
            f"  .venv/bin/python scripts/register.py --stage {here.name} "
            f"--marathon {marathon} --remove"
            if marathon
            else "  take the URL out of its --http_endpoints"
        )
        progress.print(
            f"Cluster {name} is still registered: Marathon will post to an API that is gone. "
            f"Unregister it first:\n{how}",
            style="yellow",
        )
    queues = (
        ("spilled events", here.spill_queue_url),
        ("dead letters", here.dead_letter_queue_url),
    )
    for what, url in queues:
        if url and (waiting := _waiting(url)):
            progress.print(
                f"{waiting} {what} wait on a queue and will be lost with it.", style="bold red"
            )


def _waiting(url: str) -> int:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
    return sum(int(answer["Attributes"].get(name, 0)) for name in names)


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise Failure(f"Nobody is here to ask. To destroy {name} without asking, add --yes.")
    answer = input(f"Destroy stage {name}? Its table is kept. Type its name to go on: ")
    if answer.strip() != name:
        raise Failure("Nothing was changed.")


def _delete_functions(here: Stage) -> None:
    functions = mappings.existing_functions(here.name)
    record = stage.kept_deployed(here) or stage.recorded(here.name)
    if not functions:
        return
    if record:
        progress.print("Deleting functions and API …")
        project.write_record(here.name, record)
        project.chalice("delete", here.name)
    else:
        raise Failure(
            f"Nobody knows the API that belongs to {', '.join(functions)}. Copy "
            f".chalice/deployed/{here.name}.json from the clone that deployed them, "
            "or delete them by hand; then run this again."
        )
    stage.deployed_file(here.name).unlink(missing_ok=True)


if __name__ == "__main__":
    cli.run(main)
