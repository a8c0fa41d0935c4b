"""Subscribe people and programs to a stage, list subscribers, send a sample, and unsubscribe."""

import argparse
import json
import re
import sys

from ops import cli, options
from ops.cli import Failure, out, say, warn
from ops.stage import resources
from ops.stage.resources import Stage
from ops.subscribing import filters, samples, subscriptions, targets
from ops.subscribing.filters import STATES, Filters
from ops.subscribing.subscriptions import Subscribed, Subscription
from ops.subscribing.targets import TOPICS, Target, TopicName

_EXAMPLES = """\
examples:
  .venv/bin/python scripts/subscribe.py --stage prod --to you@example.net
  .venv/bin/python scripts/subscribe.py --to you@example.net --app '/shop/*' --severity error
  .venv/bin/python scripts/subscribe.py --to arn:aws:sqs:eu-west-1:123456789012:jobs \\
    --type deployment_success --type deployment_failed
  .venv/bin/python scripts/subscribe.py --list
  .venv/bin/python scripts/subscribe.py --to you@example.net --test
  .venv/bin/python scripts/subscribe.py --to you@example.net --remove

who: people (mail, SMS, chat, pagers) get the alerts, a few messages in plain words. Programs
(queues, functions, https:// URLs) get the events, each as JSON. docs/subscribers.md says more. If a
target is subscribed already, the new filters replace the old ones.

filters: an option that is given several times takes any of its values; all options must fit.

each line of --list --json:
  {"id", "topic", "protocol", "target", "confirmed", "arn", "filters", "policy", "scope",
   "undelivered"}; filters is null where they can't be said in words, undelivered where nothing
  keeps what can't be delivered
"""

_ID = re.compile(r"[0-9a-f]{8}")
_NO_FILTERS = Filters()


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    stage = resources.find_running(args.stage)
    if args.list:
        return _list(stage, as_json=args.json)
    if args.test:
        return _test(args, stage)
    if args.remove:
        return _remove(args, stage)
    return _subscribe(args, stage)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EXAMPLES)
    parser.add_argument(
        "--to",
        metavar="TARGET",
        help="a mail address, a phone number, the address of a chat channel or pager (slack://…, "
        "pagerduty://…), an https:// URL, the ARN of an SQS queue or a Lambda function; '-': read "
        "it from standard input, since it may be a secret; with --test and --remove also an id "
        "that --list shows, or a subscription's ARN",
    )
    parser.add_argument(
        "--topic", choices=TOPICS, help="default: alerts for people, events for programs"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show who is subscribed, and to what")
    what.add_argument(
        "--test", action="store_true", help="send a marked sample that passes TARGET's filter"
    )
    what.add_argument(
        "--remove", action="store_true", help="unsubscribe, and take back what was set up"
    )
    parser.add_argument("--json", action="store_true", help="with --list: JSON, one object a line")
    add_filters(parser)
    args = parser.parse_args(argv)
    if args.to == "-":
        args.to = sys.stdin.readline().strip()
    if not (args.to or args.list):
        parser.error("--to TARGET is needed, or --list")
    if (args.list or args.test or args.remove) and filters.in_options(args) != _NO_FILTERS:
        parser.error("filters go with subscribing alone")
    return args


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Options by which people say what a subscriber gets."""
    several = options.add_choice(parser, "about this app or pod, its tasks and deployments")
    several.add_argument(
        "--type", action="append", default=[], help="only for events: such as deployment_failed"
    )
    several.add_argument(
        "--status", action="append", default=[], help="only for events: such as TASK_LOST"
    )
    several.add_argument(
        "--state", action="append", default=[], choices=STATES, help="only for alerts"
    )


def _subscribe(args: argparse.Namespace, stage: Stage) -> int:
    target = targets.target(args.to, stage)
    topic = args.topic or target.topic
    wanted = filters.in_options(args)
    targets.check(stage, target, topic)
    filters.check(wanted, topic)
    if target.protocol == "email" and topic == "events":
        _check_mail(wanted)
    _hint(stage, wanted, topic)
    made = subscriptions.subscribe(stage, target, topic, wanted)
    if made.new:
        out(f"Subscribed {target.shown} to the {topic} of stage {stage.name}: {_said(wanted)}.")
    else:
        out(
            f"{target.shown} was subscribed to the {topic} of stage {stage.name} already. It now "
            f"gets: {_said(wanted)}."
        )
    _say_what_is_left(target, made)
    return 0


def _check_mail(wanted: Filters) -> None:
    limit = "SNS suspends an e-mail subscription that gets more than ten messages a second"
    if wanted.severity == "info":
        raise Failure(
            f"{limit}, and Marathon sends more. For people there are the alerts: leave --topic "
            "out. To get events by mail all the same, say --severity warning or error."
        )
    warn(f"{limit}. A crash loop may bring that about, whatever the filters.")


def _hint(stage: Stage, wanted: Filters, topic: TopicName) -> None:
    """Tell of values that nothing known has, and of filters that nothing known passes; both may
    come later.
    """
    hints = [options.hint_at_type(type_) for type_ in wanted.type]
    hints += [options.hint_at_status(status) for status in wanted.status]
    known = [cluster.name for cluster in stage.clusters.all()]
    hints += [
        f"Stage {stage.name} has no cluster {name!r} yet. Registered: {', '.join(known) or 'none'}."
        for name in wanted.cluster
        if name not in known
    ]
    try:
        samples.sample(filters.policy_of(wanted), topic, known)
    except Failure as nothing:
        hints.append(str(nothing))
    for hint in filter(None, hints):
        warn(hint)


def _say_what_is_left(target: Target, made: Subscribed) -> None:
    if not made.confirmed:
        if target.protocol == "email":
            say(
                f"SNS sends a mail to {target.shown} now. Its link must be followed within two "
                "days; nothing is delivered before."
            )
        else:
            say(
                f"SNS posts a SubscriptionConfirmation to {target.shown} now. What answers there "
                "must visit the SubscribeURL in it within two days; nothing is delivered before."
            )
    if target.protocol == "sms":
        say(
            "A new AWS account sends SMS only to numbers that were verified in its SMS sandbox, "
            "and has a monthly limit on what SMS may cost."
        )
    if made.left:
        warn(made.left)
    if not made.new:
        say("A changed filter takes full effect within 15 minutes.", "dim")
    # Too early a message would count as refused by the queue.
    theirs = target.protocol == "sqs" and not target.own
    when = " in a minute, when SQS knows the new right" if theirs else ""
    say(f"Try it out{when}: the same --to, with --test.", "dim")


def _list(stage: Stage, *, as_json: bool) -> int:
    found = list(subscriptions.all_of(stage))
    for each in found:
        out(_json(each) if as_json else _line(each))
    if not found:
        say(f"Nobody is subscribed to stage {stage.name}.", "dim")
    return 0


def _line(each: Subscription) -> str:
    notes = [] if each.arn else ["waits for its confirmation"]
    if each.undelivered:
        notes.append(f"{each.undelivered} undelivered")
    noted = f"  ({', '.join(notes)})" if notes else ""
    return f"{each.id}  {each.topic:<6}  {each.target.shown}  {_what_it_gets(each)}{noted}"


def _what_it_gets(each: Subscription) -> str:
    """What a subscription gets; as SNS's JSON where options can't say it."""
    if not each.arn:
        return "filters not known yet"
    if each.filters is not None:
        return _said(each.filters)
    return f"{each.scope}: {json.dumps(each.policy, ensure_ascii=False)}"


def _said(wanted: Filters) -> str:
    return wanted.options or "everything"


def _json(each: Subscription) -> str:
    said = {
        "id": each.id,
        "topic": each.topic,
        "protocol": "chat" if each.target.own else each.target.protocol,
        "target": each.target.shown,
        "confirmed": bool(each.arn),
        "arn": each.arn,
        "filters": None if each.filters is None else each.filters.words,
        "policy": each.policy,
        "scope": each.scope,
        "undelivered": each.undelivered,
    }
    return json.dumps(said)


def _test(args: argparse.Namespace, stage: Stage) -> int:
    wanted = _only(args, stage, list(subscriptions.all_of(stage)))
    sample, others = subscriptions.try_out(stage, wanted)
    out(f"Sent to {wanted.target.shown}: {sample.subject}")
    for each in others:
        say(f"It goes to {each.target.shown} too ({each.id}).")
    return 0


def _remove(args: argparse.Namespace, stage: Stage) -> int:
    found = list(subscriptions.listed(stage))
    if _is_name(args.to) or _asked(args, found, stage):
        only = _only(args, stage, found)
        target, topic = only.target, only.topic
    else:
        target = targets.target(args.to, stage)
        topic = args.topic or target.topic
    kept = subscriptions.remove(stage, target, topic)
    out(f"{target.shown} is no longer subscribed to the {topic} of stage {stage.name}.")
    if kept:
        name = subscriptions.undelivered_queue(stage, target, topic)
        warn(
            f"{kept} messages that SNS could not deliver still lie in the queue {name}. Look at "
            "them (aws sqs receive-message), and delete the queue."
        )
    return 0


def _only(args: argparse.Namespace, stage: Stage, found: list[Subscription]) -> Subscription:
    """The one subscription that --to names. Raises Failure."""
    asked = _asked(args, found, stage)
    if len(asked) == 1:
        return asked[0]
    if asked:
        raise Failure(
            f"{asked[0].target.shown} is subscribed to both topics: say --topic events or alerts."
        )
    shown = args.to if _is_name(args.to) else targets.target(args.to, stage).shown
    raise Failure(f"{shown} is not subscribed to stage {stage.name}; --list shows who is.")


def _asked(args: argparse.Namespace, found: list[Subscription], stage: Stage) -> list[Subscription]:
    found = [each for each in found if args.topic in (None, each.topic)]
    if _is_name(args.to):
        return [each for each in found if args.to in (each.id, each.arn)]
    target = targets.target(args.to, stage)
    return [each for each in found if each.target == target]


def _is_name(text: str) -> bool:
    """Whether it is an id of ours, or a subscription's ARN."""
    return bool(_ID.fullmatch(text)) or ":sns:" in text


if __name__ == "__main__":
    cli.run(main)
