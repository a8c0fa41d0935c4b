"""What a stage used in its last week: from CloudWatch's metrics, and of its records a sample. It
reads little, however many events there are.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ops import costs
from ops.costs import Settings, Usage, Work
from ops.deploying.functions import FUNCTIONS
from ops.stage import config, templates
from ops.stage.clients import client
from ops.stage.config import APP
from ops.stage.resources import Stage
from ops.stage.stacks import TEMPLATES

from chalicelib import log, settings, times
from chalicelib.records import items
from chalicelib.web.answers import METRICS

_DAYS = 7
_DAY_SECONDS = 86_400
_SAMPLE = 100  # records that are read whole
_QUIET_DAY = 50  # of a day with fewer records, all are looked at
_MOMENTS = 10  # of a busy day, at which records are looked for
_COUNTED_PAGE = 1000

Metric = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Type:
    """A type of events in a sample. ``share``: of all events; ``size``: bytes, on average."""

    name: str
    share: float
    size: float


def of_config(name: str) -> Settings:
    """What the config says of a stage; its alarms by the template."""
    messaging = templates.parse((TEMPLATES / "messaging.yaml").read_text())
    alarms = [e for e in messaging["Resources"].values() if e["Type"] == "AWS::CloudWatch::Alarm"]
    wanted = {each.name: config.function_settings(name, each.chalice_name) for each in FUNCTIONS}
    return Settings(
        memory={each: found.get("lambda_memory_size", 128) for each, found in wanted.items()},
        architecture=wanted["api"].get("lambda_architecture", "x86_64"),
        retention_days=settings.retention_days(config.variables(name)),
        alarms=len(alarms),
    )


def measured(stage: Stage, known: Settings) -> Usage | None:
    """A month like the last week, or the part of it in which there were events. None if AWS has no
    metrics of it.
    """
    api = ("Function", FUNCTIONS[0].lambda_name(stage.name))
    stored: Metric = (log.NAMESPACE, METRICS["new"], (api,))
    wanted = {stored, *_metrics(stage)}
    sums = _sums(sorted(wanted))
    days = len(sums[stored])
    if not days:
        return None
    month = {metric: sum(found) / days * costs.DAYS for metric, found in sums.items()}

    def used(namespace: str, name: str, **dimensions: str) -> float:
        return month.get((namespace, name, tuple(dimensions.items())), 0.0)

    functions = {
        each.name: Work(
            used("AWS/Lambda", "Invocations", FunctionName=each.lambda_name(stage.name)),
            used("AWS/Lambda", "Duration", FunctionName=each.lambda_name(stage.name)) / 1000,
            known.memory[each.name],
        )
        for each in FUNCTIONS
    }
    of = _by_name(month)
    size = of["PublishSize"] / costs.SNS_BYTES
    published = min(of["NumberOfMessagesPublished"], max(functions["fanout"].invocations, size))
    described = client("dynamodb").describe_table(TableName=stage.table_name)["Table"]
    indexes = described.get("GlobalSecondaryIndexes", [])
    prefix = f"{APP}-{stage.name}-"
    return Usage(
        events=month[stored],
        requests=of["Count"],
        functions=functions,
        write_units=of["ConsumedWriteCapacityUnits"],
        read_units=of["ConsumedReadCapacityUnits"],
        table_bytes=described.get("TableSizeBytes", 0),
        index_bytes=sum(each.get("IndexSizeBytes", 0) for each in indexes),
        published=published,
        queue_requests=sum(of[name] for name in _SQS),
        log_bytes=of["IncomingBytes"],
        metrics=_count_metrics(stage),
        alarms=_count("describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix),
        dashboards=_count("list_dashboards", "DashboardEntries", DashboardNamePrefix=prefix[:-1]),
        architecture=known.architecture,
        retention_days=known.retention_days,
        relayed=of["Count"] < month[stored] / 2,
    )


_SQS = (
    "NumberOfMessagesSent",
    "NumberOfMessagesReceived",
    "NumberOfMessagesDeleted",
    "NumberOfEmptyReceives",
)


def _metrics(stage: Stage) -> Iterator[Metric]:
    """All metrics from which the costs follow, apart from the number of events."""
    yield "AWS/ApiGateway", "Count", (("ApiName", APP), ("Stage", config.api_stage(stage.name)))
    for each in FUNCTIONS:
        name = each.lambda_name(stage.name)
        for metric in ("Invocations", "Duration"):
            yield "AWS/Lambda", metric, (("FunctionName", name),)
        yield "AWS/Logs", "IncomingBytes", (("LogGroupName", f"/aws/lambda/{name}"),)
    table = ("TableName", stage.table_name)
    for index in ("", "feed", "trouble"):
        for metric in ("ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits"):
            more = (("GlobalSecondaryIndexName", index),) if index else ()
            yield "AWS/DynamoDB", metric, (table, *more)
    for topic in (stage.topic_arn, stage.alerts_topic_arn):
        for metric in ("NumberOfMessagesPublished", "PublishSize"):
            yield "AWS/SNS", metric, (("TopicName", topic.rpartition(":")[2]),)
    for queue in (stage.spill_queue_url, stage.dead_letter_queue_url):
        for metric in _SQS:
            yield "AWS/SQS", metric, (("QueueName", queue.rpartition("/")[2]),)


def _sums(metrics: list[Metric]) -> dict[Metric, list[float]]:
    """The sums of each day of the last week that has any, oldest first."""
    queries = [
        {
            "Id": f"m{n}",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
                },
                "Period": _DAY_SECONDS,
                "Stat": "Sum",
            },
        }
        for n, (namespace, name, dimensions) in enumerate(metrics)
    ]
    now = datetime.now(UTC)
    pages = (
        client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=queries, StartTime=now - timedelta(days=_DAYS), EndTime=now)
    )
    sums: dict[Metric, list[float]] = {metric: [] for metric in metrics}
    for page in pages:
        for result in page["MetricDataResults"]:
            sums[metrics[int(result["Id"][1:])]] += [each for each in result["Values"] if each]
    return sums


def _by_name(month: dict[Metric, float]) -> dict[str, float]:
    """The sums over everything that has a metric of the same name."""
    found: dict[str, float] = defaultdict(float)
    for (_, name, _), value in month.items():
        found[name] += value
    return found


def _count_metrics(stage: Stage) -> int:
    names = {each.lambda_name(stage.name) for each in FUNCTIONS}
    pages = client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=log.NAMESPACE)
    found = (each["Dimensions"] for page in pages for each in page["Metrics"])
    return sum(any(each["Value"] in names for each in dimensions) for dimensions in found)


def _count(operation: str, name: str, **request: str) -> int:
    pages = client("cloudwatch").get_paginator(operation).paginate(**request)
    return sum(len(page.get(name, [])) for page in pages)


def events_a_day(stage: Stage) -> float:
    """About how many events came on a day of the last week that had any, by the table."""
    counts = [
        count
        for cluster in stage.clusters.all()
        for day in _days()
        if (count := _count_of_day(stage, cluster.name, day))
    ]
    return sum(counts) / max(1, min(_DAYS, len(counts)))


def _count_of_day(stage: Stage, cluster: str, day: str) -> float:
    """A day's events: counted, or if there are many, as many as the last of them suggest."""
    found = stage.store.feed(cluster, day)
    newest = list(itertools.islice(found, _COUNTED_PAGE))
    if len(newest) < _COUNTED_PAGE:
        return len(newest)
    first, last = (times.from_compact(each.id) for each in (newest[-1], newest[0]))
    return len(newest) * _DAY_SECONDS / max(1.0, (last - first).total_seconds())


def sample(stage: Stage) -> list[Type]:
    """The types of events of the last week, those with the most bytes first."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for pk, sk in _sampled(stage):
        if record := stage.store.at(pk, sk):
            sizes[record.type].append(len(record.body))
    count = sum(map(len, sizes.values()))
    found = [Type(name, len(each) / count, sum(each) / len(each)) for name, each in sizes.items()]
    return sorted(found, key=lambda each: each.share * each.size, reverse=True)


def _sampled(stage: Stage) -> list[tuple[str, str]]:
    """The keys of some records of the week: of a quiet day all, of a busy one those at moments that
    chance chooses.
    """
    found: set[tuple[str, str]] = set()
    for cluster in stage.clusters.all():
        for day in _days():
            feed = items.feed_key(cluster.name, day)
            newest = _some(stage, feed, "0", _QUIET_DAY, newest_first=True)
            if len(newest) < _QUIET_DAY:
                found |= {(each["pk"], each["sk"]) for each in newest}
                continue
            first, last = _some(stage, feed, "0", 1)[0]["sk"], newest[0]["sk"]
            for _ in range(_MOMENTS):
                some = _some(stage, feed, _moment(first, last), _QUIET_DAY // _MOMENTS)
                found |= {(each["pk"], each["sk"]) for each in some}
    return random.sample(sorted(found), min(len(found), _SAMPLE))


def _some(
    stage: Stage, feed: str, since: str, count: int, *, newest_first: bool = False
) -> list[dict[str, Any]]:
    rows = stage.table.query(
        "feed = :feed AND feed_order >= :since",
        index="feed",
        page=count,
        newest_first=newest_first,
        feed=feed,
        since=since,
    )
    return list(itertools.islice(rows, count))


def _moment(first: str, last: str) -> str:
    """A moment between two ids, as an id begins."""
    begin, end = times.from_compact(first), times.from_compact(last)
    return times.compact(begin + (end - begin) * random.random())  # noqa: S311


def _days() -> list[str]:
    today = datetime.now(UTC).date()
    return [(today - timedelta(days=n)).isoformat() for n in range(_DAYS)]
