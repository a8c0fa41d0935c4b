"""Repairs: tries again to publish or store what failed before."""

import json
import sys
from collections import Counter
from collections.abc import Iterator

from ops import cli
from ops.cli import Failure, confirm, out, progress, say
from ops.repairing import dead_letters, replays
from ops.repairing.dead_letters import DeadLetter, Parked
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
from chalicelib.services import queues
from chalicelib.services.aws import ServiceError
from chalicelib.services.store import Store
from chalicelib.settings import retention_days

_DEAD_LETTERS_A_SECOND = 100


def replay(
    stage: Stage, wanted: Wanted, after: str, rate: float, *, dry_run: bool, sure: bool
) -> bool:
    """Publish stored records again, oldest first, those with ids after that one. What SNS will
    never take is named and left out. Returns whether all were taken. ``sure``: without asking.
    Raises Failure, which says how to go on.
    """
    found = history.newest_first(stage.store, wanted)
    keys = [(timeline_key(each.cluster, each.subject), each.id) for each in found]
    keys = sorted((key for key in keys if key[1] > after), key=lambda key: key[1])
    if dry_run or not keys:
        out(f"{len(keys)} events would be notified of again.")
        return True
    if not sure:
        question = f"{len(keys)} events will be notified of again. Go on? Type yes:"
        confirm(question, "yes")
    replayed = _Replay(stage, keys, after)
    with Progress(console=progress) as bar:
        replayed.run(rate, bar)
    for id_, reason in replayed.refused:
        say(f"Not notified of: {id_} ({reason}).", "red")
    out(f"{len(keys) - len(replayed.refused)} events were notified of again.")
    return not replayed.refused


class _Replay:
    """One replay, and how far it came. ``refused``: ids and reasons."""

    def __init__(self, stage: Stage, keys: list[tuple[str, str]], after: str) -> None:
        self._stage = stage
        self._keys = keys
        self._last = after
        self.refused: list[tuple[str, str]] = []

    def run(self, rate: float, bar: Progress) -> None:
        """Publish. Raises Failure, which says how to go on."""
        task = bar.add_task("Replaying", total=len(self._keys))
        done = replays.publish(self._stage, self._records(), rate, replay=True)
        try:
            for record, refusal in done:
                if refusal:
                    self.refused.append((record.id, refusal))
                self._last = record.id
                bar.advance(task)
        except (KeyboardInterrupt, Failure, ServiceError) as error:
            reason = "" if isinstance(error, KeyboardInterrupt) else f"{cli.sentence(error)} "
            how = f"Go on with the same command and --after {self._last}."
            raise Failure(
                f"{reason}Stopped after {bar.tasks[task].completed:g} events. "
                f"{how if self._last else 'Run it again.'}"
            ) from error

    def _records(self) -> Iterator[Record]:
        for pk, sk in self._keys:
            try:
                record = self._stage.store.at(pk, sk)
            except LookupError as error:  # it will never be whole again
                self.refused.append((sk, str(error)))
                continue
            if record is not None:
                yield record


def show_parked(stage: Stage, *, as_json: bool) -> None:
    """List the messages on the dead-letter queue, one on each line."""
    parked = dead_letters.read(stage)
    for each in parked.found:
        dead_letters.put_back(stage, each)
        if as_json:
            said = {"id": each.id, "what": each.what, "reason": each.reason}
            out(json.dumps(said | {"pk": each.pk, "sk": each.sk}))
        else:
            out(f"{each.id[:8]}  {each.what}: {each.reason}")
    _say_how_many(parked)


def show_dead_letter(stage: Stage, beginning: str) -> None:
    """Print one parked message whole. Raises Failure."""
    dead_letter = _only(stage, beginning)
    dead_letters.put_back(stage, dead_letter)
    out(dead_letter.message)


def drop_dead_letter(stage: Stage, beginning: str, *, sure: bool) -> None:
    """Take one parked message off the queue, for ever. Raises Failure."""
    dead_letter = _only(stage, beginning)
    what = dead_letter.what[0].upper() + dead_letter.what[1:]
    if dead_letter.spill:
        say("Marathon was told that this event is stored, and it is nowhere else.", "yellow")
    try:
        if not sure:
            confirm(f"{what} will be gone for ever. Drop it? Type yes:", "yes")
    except BaseException:
        dead_letters.put_back(stage, dead_letter)
        raise
    dead_letters.delete(stage, dead_letter)
    out(f"Dropped {dead_letter.id[:8]}: {dead_letter.what}.")


def send_parked(stage: Stage, cluster: str | None) -> bool:
    """Send everything that is parked once more, and remove from the queue what succeeded. Returns
    whether all did. ``cluster``: the cluster of spilled events whose token is not known.
    """
    parked = dead_letters.read(stage)
    sent = [_send(stage, each, cluster) for each in parked.found]
    _say_how_many(parked)
    return all(sent) and not parked.hidden


def _say_how_many(parked: Parked) -> None:
    """Say that nothing is parked, or that more is than was shown."""
    if parked.hidden:
        say(
            f"About {parked.hidden} more are hidden, because they were read within the last two "
            "minutes. Run this again then.",
            "yellow",
        )
    elif not parked.found:
        say("Nothing is parked.", "dim")


def _send(stage: Stage, dead_letter: DeadLetter, cluster: str | None) -> bool:
    out(f"{dead_letter.id[:8]}  {dead_letter.what}: {dead_letter.reason}")
    try:
        _send_what_it_holds(stage, dead_letter, cluster)
    except ValueError as error:
        return _not_sent(stage, dead_letter, f"{error}.")
    except cli.EXPECTED as error:
        return _not_sent(stage, dead_letter, cli.sentence(error))
    dead_letters.delete(stage, dead_letter)
    say("  sent again", "green")
    return True


def _not_sent(stage: Stage, dead_letter: DeadLetter, why: str) -> bool:
    dead_letters.put_back(stage, dead_letter)
    say(f"  not sent: {why}", "red")
    return False


def _send_what_it_holds(stage: Stage, dead_letter: DeadLetter, cluster: str | None) -> None:
    """Raises ValueError and what is EXPECTED."""
    if dead_letter.spill:
        spill = dead_letter.spill
        message = with_cluster(spill, cluster) if cluster else spill
        client("sqs").send_message(QueueUrl=stage.spill_queue_url, MessageBody=message)
        return
    records = dead_letters.records(stage, dead_letter)
    done = replays.publish(stage, records, _DEAD_LETTERS_A_SECOND, replay=False)
    for record, refusal in done:
        if refusal:
            raise Failure(f"SNS will never take {record.id}: {refusal}.")


def restore_from_log(stage: Stage) -> None:
    """Store the events whose last copies are in log lines on standard input. Raises Failure."""
    queue = queues.DeadLetters(lambda: client("sqs"), stage.dead_letter_queue_url)
    days = retention_days(variables(stage.name))
    use_case = Restore(stage.tokens, Store(stage.table, days), queue)
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


def _only(stage: Stage, beginning: str) -> DeadLetter:
    """The one dead letter whose id begins with this text, still hidden from others. Raises
    Failure.
    """
    found = dead_letters.read(stage).found
    chosen = [each for each in found if each.id.startswith(beginning)]
    for each in found:
        if len(chosen) != 1 or each is not chosen[0]:
            dead_letters.put_back(stage, each)
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
