"""Repairs: tries again to publish or store what failed before."""

import json
import sys
from collections import Counter

from ops.cli import Failure, confirm, out, progress, say
from ops.repairing import dead_letters, replays
from ops.repairing.dead_letters import Letter
from ops.stage.clients import client
from ops.stage.config import variables
from ops.stage.resources import Stage

from rich.progress import Progress

from chalicelib import history
from chalicelib.history import Wanted
from chalicelib.records.items import timeline_key
from chalicelib.records.record import Record
from chalicelib.records.spilled import with_cluster
from chalicelib.restore import Restore
from chalicelib.services import aws
from chalicelib.services.aws import ServiceError
from chalicelib.services.queues import DeadLetters
from chalicelib.services.store import Store
from chalicelib.settings import retention_days

_RATE_OF_LETTERS = 100


def replay(
    stage: Stage, wanted: Wanted, after: str, rate: float, *, dry_run: bool, sure: bool
) -> None:
    """Publish stored records again, oldest first, those with ids after that one. ``sure``: without
    asking. Raises Failure, which says how to go on.
    """
    found = history.newest_first(stage.store, wanted)
    keys = [(timeline_key(each.cluster, each.subject), each.id) for each in found]
    keys = sorted((key for key in keys if key[1] > after), key=lambda key: key[1])
    if dry_run or not keys:
        out(f"{len(keys)} events would be notified of again.")
        return
    if not sure:
        question = f"{len(keys)} events will be notified of again. Go on? Type yes:"
        confirm(question, "yes")
    last = after
    with Progress(console=progress) as bar:
        task = bar.add_task("Replaying", total=len(keys))

        def sent(record: Record) -> None:
            nonlocal last
            last = max(last, record.id)
            bar.advance(task)

        records = (record for key in keys if (record := stage.store.at(*key)))
        try:
            replays.publish(stage, records, rate, sent, replay=True)
        except (KeyboardInterrupt, Failure, ServiceError, LookupError) as error:
            told = f"{error} " if isinstance(error, Failure) else ""
            how = f"Go on with the same command and --after {last}." if last else "Run it again."
            raise Failure(
                f"{told}Stopped after {bar.tasks[task].completed:g} events. {how}"
            ) from error
    out(f"{len(keys)} events were notified of again.")


def show_parked(stage: Stage, *, as_json: bool) -> None:
    """List the messages on the dead-letter queue, one on each line."""
    found = dead_letters.read(stage)
    for letter in found:
        dead_letters.put_back(stage, letter)
        if as_json:
            said = {"id": letter.id, "what": letter.what, "reason": letter.reason}
            out(json.dumps(said | {"pk": letter.pk, "sk": letter.sk}))
        else:
            out(f"{letter.id[:8]}  {letter.what}: {letter.reason}")
    if not found:
        say("Nothing is parked.", "dim")


def show_letter(stage: Stage, beginning: str) -> None:
    """Print one parked message whole. Raises Failure."""
    letter = _only(stage, beginning)
    dead_letters.put_back(stage, letter)
    out(letter.message)


def drop_letter(stage: Stage, beginning: str, *, sure: bool) -> None:
    """Take one parked message off the queue, for ever. Raises Failure."""
    letter = _only(stage, beginning)
    try:
        if not sure:
            confirm(f"{letter.what} will be gone for ever. Drop it? Type yes:", "yes")
    except BaseException:
        dead_letters.put_back(stage, letter)
        raise
    dead_letters.delete(stage, letter)
    out(f"Dropped {letter.id[:8]}: {letter.what}.")


def send_parked(stage: Stage, cluster: str | None) -> bool:
    """Send everything that is parked once more, and remove from the queue what succeeded. Returns
    whether all did. ``cluster``: the cluster of spilled events whose token is not known.
    """
    found = dead_letters.read(stage)
    sent = [_send(stage, letter, cluster) for letter in found]
    if not found:
        say("Nothing is parked.", "dim")
    return all(sent)


def _send(stage: Stage, letter: Letter, cluster: str | None) -> bool:
    out(f"{letter.id[:8]}  {letter.what}: {letter.reason}")
    try:
        if letter.spill:
            message = with_cluster(letter.spill, cluster) if cluster else letter.spill
            client("sqs").send_message(QueueUrl=stage.spill_queue_url, MessageBody=message)
        else:
            records = dead_letters.records(stage, letter)
            replays.publish(stage, records, _RATE_OF_LETTERS, lambda _: None, replay=False)
    except (Failure, ServiceError, ValueError, *aws.ERRORS) as error:
        dead_letters.put_back(stage, letter)
        say(f"  not sent: {error}", "red")
        return False
    dead_letters.delete(stage, letter)
    say("  sent again", "green")
    return True


def restore_from_log(stage: Stage) -> None:
    """Store the events whose last copies are in log lines on standard input. Raises Failure."""
    dead_letters = DeadLetters(lambda: client("sqs"), stage.dead_letter_queue_url)
    days = retention_days(variables(stage.name))
    use_case = Restore(stage.tokens, Store(stage.table, days), dead_letters)
    counts: Counter[str] = Counter()
    for line in sys.stdin:
        if found := _last_copy(line):
            counts[use_case.restore(found)] += 1
    if not counts:
        raise Failure("No line with a last_copy came on standard input; --help shows the command.")
    words = {
        "Restored": "events restored",
        "Gathered": "parts gathered",
        "Refused": "refused: their token was not valid when they came",
        "Parked": "that can't be stored, parked",
    }
    out(", ".join(f"{count} {words[outcome]}" for outcome, count in counts.items()))


def _only(stage: Stage, beginning: str) -> Letter:
    """The one letter whose id begins with this text, still hidden from others. Raises Failure."""
    found = dead_letters.read(stage)
    chosen = [letter for letter in found if letter.id.startswith(beginning)]
    for letter in found:
        if len(chosen) != 1 or letter is not chosen[0]:
            dead_letters.put_back(stage, letter)
    if len(chosen) != 1:
        many = "Several parked messages have ids that begin" if chosen else "Nothing is parked"
        raise Failure(f"{many} with {beginning!r}; see the ids with parked.")
    return chosen[0]


def _last_copy(line: str) -> str:
    """The last copy in a log line, even if something else (a time, for example) comes before it."""
    try:
        said = json.loads(line[line.index("{") :])
    except (ValueError, RecursionError):
        return ""
    return str(said.get("last_copy", "")) if isinstance(said, dict) else ""
