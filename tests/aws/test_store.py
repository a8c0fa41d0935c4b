"""Records in the table: put once, found again, by every way."""

import contextlib
import json
import os
import time
from collections.abc import Iterator

from ops.stage.clients import client
from ops.stage.resources import Stage

import pytest
from botocore.exceptions import ClientError

from chalicelib.records import items
from chalicelib.services.store import Store, Window
from chalicelib.services.table import TableError
from local import cloud
from tests.support.project import EVENTS
from tests.support.records import at, record, record_from

# Another DynamoDB than moto's, such as http://localhost:8000 of DynamoDB Local.
OTHER = os.environ.get("TEST_DYNAMODB_ENDPOINT", "")


@pytest.fixture
def stage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage, its table perhaps in another DynamoDB: made like the one from the template."""
    if not OTHER:
        yield stage
        return
    found = client("dynamodb").describe_table(TableName=stage.table_name)["Table"]
    index = found["GlobalSecondaryIndexes"][0]
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", OTHER)
    cloud.forget_clients()
    client("dynamodb").create_table(
        TableName=stage.table_name,
        KeySchema=found["KeySchema"],
        AttributeDefinitions=found["AttributeDefinitions"],
        GlobalSecondaryIndexes=[{k: index[k] for k in ("IndexName", "KeySchema", "Projection")}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield stage
    with contextlib.suppress(ClientError):
        client("dynamodb").delete_table(TableName=stage.table_name)
    cloud.forget_clients()


@pytest.fixture
def store(stage: Stage) -> Store:
    return stage.store


def test_a_record_comes_back_as_it_went_in(store: Store) -> None:
    steps = [{"actions": [{"action": "StopPod", "pod": f"/p{n}"} for n in range(120)]}]
    plan = record(eventType="deployment_info", plan={"id": "d1", "steps": steps}, currentStep={})
    for each in (at(1), plan, record_from(b"\x00\xff"), record_from(b""), record_from(b"{}")):
        assert store.put(each) == "new"
        assert store.get("prod", each.id) == each


def test_a_record_is_put_once(store: Store) -> None:
    assert [store.put(at(1)), store.put(at(1)), store.put(at(2))] == ["new", "duplicate", "new"]


@pytest.mark.parametrize("size", [1, 300, 399_000, 760_000, 5_000_000])
@pytest.mark.parametrize("compressible", [True, False])
def test_bodies_of_every_size_are_kept_byte_for_byte(
    store: Store, size: int, compressible: bool
) -> None:
    body = b"a" * size if compressible else os.urandom(size)
    each = record_from(body)
    assert store.put(each) == "new"
    found = store.get("prod", each.id)
    assert found is not None
    assert found.body == body


def test_a_body_of_which_a_part_is_gone_is_not_passed_off_as_whole(
    store: Store, stage: Stage
) -> None:
    each = record_from(os.urandom(800_000))
    store.put(each)
    stage.table.delete(list(items.part_keys(items.plain(items.to_items(each, None)[1])))[1])
    with pytest.raises(LookupError):
        store.get("prod", each.id)


def test_a_timeline_is_of_one_subject_newest_first(store: Store) -> None:
    for each in (at(1), at(3), at(2), at(4, "/other"), at(5, cluster="test")):
        store.put(each)
    found = [each.timestamp[17:19] for each in store.timeline("prod", "app:/shop")]
    assert found == ["03", "02", "01"]


def test_a_feed_is_of_one_cluster_and_day_newest_first(store: Store) -> None:
    other_day = record(appId="/shop", timestamp="2016-04-25T09:00:00.000Z")
    for each in (at(1), at(3, "/other"), at(2), at(5, cluster="test"), other_day):
        store.put(each)
    found = [each.timestamp[17:19] for each in store.feed("prod", "2016-04-24")]
    assert found == ["03", "02", "01"]


def test_a_window_includes_both_its_ends(store: Store) -> None:
    for second in range(5):
        store.put(at(second))
    window = Window("20160424T090001000Z", "20160424T090003000Z")
    found = [each.timestamp[17:19] for each in store.timeline("prod", "app:/shop", window)]
    assert found == ["03", "02", "01"]
    assert len(list(store.feed("prod", "2016-04-24", window))) == 3


def test_a_long_timeline_is_read_to_its_end(store: Store) -> None:
    bodies = [os.urandom(150_000).hex() for _ in range(9)]  # more than one page of 1 MB
    for n, body in enumerate(bodies):
        store.put(at(n, body=body))
    assert len(list(store.timeline("prod", "app:/shop"))) == 9


def test_records_in_lists_have_a_summary_and_no_body(store: Store) -> None:
    store.put(at(1))
    (from_table,) = store.timeline("prod", "app:/shop")
    (from_index,) = store.feed("prod", "2016-04-24")
    assert from_table == from_index
    assert from_index.summary() == at(1).summary()
    assert from_index.body == b""


def test_expired_records_are_not_shown_though_dynamodb_still_has_them(stage: Stage) -> None:
    each = at(1)
    _, item = items.to_items(each, int(time.time()) - 1)
    stage.table.put(item)
    assert stage.store.get("prod", each.id) is None
    assert list(stage.store.timeline("prod", "app:/shop")) == []
    assert list(stage.store.feed("prod", "2016-04-24")) == []


@pytest.mark.parametrize(("days", "kept"), [(90, 90 * 86_400), (0, None)])
def test_retention_counts_from_receipt(stage: Stage, days: int, kept: int | None) -> None:
    Store(stage.table, days).put(at(1))
    item = stage.table.get(items.record_key("prod", "app:/shop", at(1).id)) or {}
    if kept is None:
        assert "expires_at" not in item
    else:
        assert abs(item["expires_at"] - time.time() - kept) < 60


def test_parts_outlive_their_record(stage: Stage) -> None:
    each = record_from(os.urandom(500_000))
    Store(stage.table, 1).put(each)
    whole = stage.table.get(items.record_key("prod", "marathon", each.id)) or {}
    part = stage.table.get(next(items.part_keys(whole))) or {}
    assert part["expires_at"] > whole["expires_at"]


def test_days_are_noted_once_and_listed_newest_first(store: Store) -> None:
    for day in ("2014-03-01", "9999-12-31", "2016-04-24", "2014-03-01"):
        store.note_day("prod", day)
    store.note_day("test", "1970-01-01")
    assert list(store.days("prod")) == ["9999-12-31", "2016-04-24", "2014-03-01"]


@pytest.mark.parametrize("app", ["/a|b#c", "/#part|x", "/\n\u2028", "/" + "x" * 3000, "/\ud800"])
def test_no_name_can_bend_a_key(store: Store, app: str) -> None:
    each = at(1, app)
    assert store.put(each) == "new"
    assert store.get("prod", each.id) == each
    assert [found.id for found in store.timeline("prod", each.subject)] == [each.id]
    assert len(each.subject.encode()) <= 512


def test_two_long_names_stay_two() -> None:
    assert at(1, "/" + "x" * 3000).subject != at(1, "/" + "x" * 3001).subject


def test_a_table_that_is_gone_is_an_error_of_ours(stage: Stage) -> None:
    if not OTHER:  # which has the table without it
        unprotected = {"DeletionProtectionEnabled": False}
        client("dynamodb").update_table(TableName=stage.table_name, **unprotected)
    client("dynamodb").delete_table(TableName=stage.table_name)
    with pytest.raises(TableError) as caught:
        stage.store.put(at(1))
    assert (str(caught.value), caught.value.permanent) == ("ResourceNotFoundException", False)


def test_a_small_event_costs_one_write_unit_and_one_in_the_index() -> None:
    body = (EVENTS / "status_update_event-1.11.0-failed.json").read_bytes()
    compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
    parts, item = items.to_items(record_from(compact), 1_800_000_000)
    assert parts == []
    # Text counts by its UTF-8, binary by its bytes, a number by half its digits and one.
    values = [next(iter(typed.values())) for typed in item.values()]
    size = sum(map(len, item)) + sum(
        len(value) if isinstance(value, bytes) else len(value.encode()) for value in values
    )
    assert size <= 1024
