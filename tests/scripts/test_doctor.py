"""Why nothing arrives: scripts/doctor.py against a stage, a Marathon, and what can go wrong."""

import contextlib
import datetime as dt
import json
import re
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ops.deploying.functions import FUNCTIONS, STREAM
from ops.doctor import network_checks
from ops.marathon import registration
from ops.stage import config, deployed, queues, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage

import doctor
import pytest
import register
import subscribe

from chalicelib import times
from chalicelib.marathon.reading import read
from chalicelib.records.record import identify, record_of
from chalicelib.services import tokens
from chalicelib.services.clusters import Cluster
from local import cloud
from local.marathon import SimulatedMarathon
from local.system import System
from tests.support import queue
from tests.support.certificates import self_signed
from tests.support.haste import slowly
from tests.support.lambdas import make_function, make_role
from tests.support.proxy import Proxy, cut, instead
from tests.support.web import NOBODY, Answer, answering, answering_by

Found = dict[str, dict[str, str]]
WRONG = "A" * 43
HEALTHY = b'{"status": "ok"}'
REFUSAL = b'{"error": {"code": "refused", "message": "The token is wrong."}}'
DENIED = instead(403, b'{"__type": "AccessDeniedException", "message": "not for you"}')


class Doctor:
    """The doctor of one stage: what it finds, by code, its exit status, and all that it shows."""

    def __init__(self, stage: Stage, api: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.stage = stage
        self.api = api
        self.status: int | None = None
        self.shown = ""
        self._capsys = capsys

    def look(self, *more: str) -> Found:
        found = [json.loads(line) for line in self.lines("--json", *more)]
        assert all(each.keys() == {"level", "what", "message", "remedy"} for each in found)
        assert self.status == (0 if all(each["level"] == "ok" for each in found) else 1)
        return {each["what"]: each for each in found}

    def lines(self, *more: str) -> list[str]:
        self._capsys.readouterr()
        url = ["--url", self.api] if self.api else []
        self.status = doctor.main(["--stage", self.stage.name, *url, "--timeout", "0.7", *more])
        told = self._capsys.readouterr()
        self.shown = told.out + told.err
        # The functions of this process print their log there too, without blanks.
        logged = ('{"_aws":', '{"level":"')
        return [line for line in told.out.splitlines() if not line.startswith(logged)]

    def register(self, url: str, *more: str) -> None:
        stage = ["--stage", self.stage.name, "--url", self.api]
        assert register.main([*stage, "--marathon", url, "--no-verify", *more]) == 0

    def token(self, label: str = "test", cluster: str = "prod") -> str:
        token = tokens.mint()
        self.stage.tokens.add(token, "publisher", cluster, label)
        return token


@pytest.fixture
def well(
    served: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Doctor:
    """Of a stage with an API and a subscriber, on a machine that may be slow."""
    keep_api(served.stage, served.api)
    jobs = queue.make(f"jobs-{served.stage.name}")
    client("sns").subscribe(TopicArn=served.stage.topic_arn, Protocol="sqs", Endpoint=jobs.arn)
    monkeypatch.setattr(network_checks, "_SLOW_SECONDS", 30.0)
    return Doctor(served.stage, served.api, capsys)


@pytest.fixture
def in_vain(marathon: SimulatedMarathon, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event that the doctor waits for never comes, and the wait is over once Marathon has
    tried.
    """
    monkeypatch.setattr(registration, "wait_for_event", lambda *_: marathon.settle())


@pytest.fixture
def bare(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Of a stage that has resources alone."""
    return Doctor(stage, "", capsys)


@pytest.fixture(scope="module")
def shared_stage(aws: str) -> Stage:
    return cloud.make_stage(f"t{uuid.uuid4().hex[:12]}")


@pytest.fixture
def shared(shared_stage: Stage, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Of a stage that has resources alone, and that tests share: they change nothing of it."""
    return Doctor(shared_stage, "", capsys)


def keep_api(stage: Stage, api: str) -> None:
    resource = {"name": "rest_api", "resource_type": "rest_api", "rest_api_url": api}
    deployed.keep_copy(stage, {"resources": [resource]})


def errors(found: Found) -> set[str]:
    return {what for what, each in found.items() if each["level"] == "error"}


def warnings(found: Found) -> set[str]:
    return {what for what, each in found.items() if each["level"] == "warning"}


# All is well


def test_all_is_well_if_nothing_happens_at_marathon(
    well: Doctor, marathon: SimulatedMarathon, url: str
) -> None:
    well.register(url)
    sent = len(marathon.sent)
    well.api = ""  # both addresses are in the table
    lines = well.lines("--timeout", "60")
    assert well.status == 0, lines
    assert all(line.startswith("ok ") for line in lines)
    (quiet,) = (line for line in lines if "simply quiet" in line)
    assert "in cluster prod, after" in quiet
    assert f"the table knows prod at {url}" in well.shown
    assert len(marathon.sent) == sent + 1
    assert len(marathon.urls) == 1


def test_the_worst_finding_comes_first(well: Doctor, url: str) -> None:
    client("sqs").send_message(QueueUrl=well.stage.dead_letter_queue_url, MessageBody="x")
    lines = well.lines("--marathon", url)
    assert well.status == 1
    ranks = [("error", "warning", "ok").index(line.split()[0]) for line in lines]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2}
    assert all(" → " in line for line in lines if not line.startswith("ok"))


# Marathon


def test_invalid_addresses_of_marathon_are_rejected(shared: Doctor) -> None:
    found = shared.look("--marathon", "marathon:8080")
    assert "marathon-address" in errors(found)
    assert "looks like http://" in found["marathon-address"]["remedy"]
    found = shared.look("--marathon", "http://ops:hunter2@m:8080")
    assert "--user" in found["marathon-address"]["remedy"]
    assert "hunter2" not in shared.shown


def test_something_else_than_marathon_answers(shared: Doctor) -> None:
    found = shared.look("--marathon", NOBODY)
    assert "No Marathon answers" in found["marathon-unreachable"]["message"]
    with answering(200, b"<html>") as other:
        assert "marathon-not-there" in errors(shared.look("--marathon", other))


def test_a_marathon_without_a_leader_is_found(
    shared: Doctor, marathon: SimulatedMarathon, url: str
) -> None:
    marathon.elect()
    found = shared.look("--marathon", url)
    assert "status 503" in found["marathon-no-leader"]["message"]
    assert "ZooKeeper" in found["marathon-no-leader"]["remedy"]


def test_the_login_is_refused(
    shared: Doctor, marathon: SimulatedMarathon, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marathon.credentials = "Basic b3BzOmh1bnRlcjI="  # ops:hunter2
    assert "MARATHON_PASSWORD" in shared.look("--marathon", url)["marathon-login"]["remedy"]
    found = shared.look("--marathon", url, "--user", "ops")
    assert "MARATHON_PASSWORD" in found["marathon-options"]["remedy"]
    monkeypatch.setenv("MARATHON_PASSWORD", "hunter2")
    assert "marathon-answers" in shared.look("--marathon", url, "--user", "ops")


def test_the_login_that_the_table_names_is_used(
    bare: Doctor, marathon: SimulatedMarathon, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    marathon.credentials = "Basic b3BzOmh1bnRlcjI="
    monkeypatch.setenv("MARATHON_PASSWORD", "hunter2")
    bare.stage.clusters.claim(Cluster("prod", url, "f-1", "--user ops"))
    assert "marathon-answers" in bare.look()


def test_a_missing_ca_file_stops_no_other_check(shared: Doctor, url: str) -> None:
    found = shared.look("--marathon", url, "--ca", "/no/such/file")
    assert "no such file" in found["marathon-options"]["remedy"]
    assert "spill-empty" in found


def test_versions_without_callbacks_need_a_relay(bare: Doctor) -> None:
    with SimulatedMarathon(version="1.5.0", framework_id="f-2").running() as url:
        found = bare.look("--marathon", url)
        assert "1.5.0 removed them" in found["callbacks-removed"]["message"]
        assert "relay" in found["callbacks-removed"]["remedy"]
        bare.stage.clusters.claim(Cluster("new", url, "f-2"))
        bare.token("relay on node-1", "new")
        found = bare.look("--marathon", url)
        assert "callbacks-removed" not in found
        assert "relay sends the events of cluster new" in found["relayed"]["message"]


def test_versions_before_subscriptions_are_told_to_print_the_endpoint(bare: Doctor) -> None:
    with answering(404, b"") as url:
        bare.stage.clusters.claim(Cluster("old", url, ""))
        received(bare.stage, "old", times.now() - dt.timedelta(minutes=16))
        found = bare.look()
        assert "--print-endpoint --cluster NAME" in found["no-subscriptions"]["remedy"]
        received(bare.stage, "old", times.now() - dt.timedelta(minutes=2))
        told = bare.look()["heard-lately"]["message"]
    assert "The newest event of cluster old came 2 minutes ago" in told


def test_an_unexpected_answer_of_marathon_is_reported(shared: Doctor) -> None:
    told = {"version": "1.1.1", "callbackUrls": []}
    with marathon_saying(told, 500) as url:
        found = shared.look("--marathon", url)
    assert "status 500 to GET /v2/eventSubscriptions" in found["marathon-refused"]["message"]


def test_callbacks_switched_off(shared: Doctor) -> None:
    with SimulatedMarathon(callbacks=False).running() as url:
        found = shared.look("--marathon", url)
    assert "--event_subscriber http_callback" in found["callbacks-off"]["remedy"]


def test_not_subscribed(well: Doctor, marathon: SimulatedMarathon, url: str) -> None:
    found = well.look("--marathon", url)
    assert errors(found) == {"not-subscribed"}
    assert found["not-subscribed"]["message"] == f"Nothing is subscribed at Marathon {url}."
    command = f"scripts/register.py --stage {well.stage.name} --marathon {url}"
    assert found["not-subscribed"]["remedy"].endswith(command)
    assert marathon.sent == []


NEARLY = [
    ("{api}/callback?token={wrong}", "subscribed-token", "its token is unknown"),
    ("{api}/callback", "subscribed-token", "it has no token"),
    ("{api}/callback?token={revoked}", "subscribed-token", "was revoked at"),
    ("{api}/callback?token={reader}", "subscribed-token", "is a reader's"),
    ("https://{host}/callback?token={token}", "subscribed-scheme", "it says https"),
    ("{api}/callbacks?token={token}", "subscribed-path", "should be /callback"),
    ("{api}/dev/callback?token={wrong}", "subscribed-path", "should be /callback"),
    ("{host}/callback?token={token}", "subscribed-malformed", "it is an invalid URL"),
    ("http://[x/callback?token={token}", "subscribed-malformed", "it is an invalid URL"),
    ("http://old.example/callback?token={token}", "subscribed-elsewhere", "is now {api}"),
]


def test_subscribed_under_a_nearly_equal_url(
    bare: Doctor, marathon: SimulatedMarathon, url: str
) -> None:
    bare.api = NOBODY
    revoked, reader, token = bare.token(), tokens.mint(), bare.token()
    bare.stage.tokens.revoke(tokens.hash_of(revoked))
    bare.stage.tokens.add(reader, "reader", "", "test")
    parts = {"token": token, "revoked": revoked, "reader": reader, "wrong": WRONG}
    parts |= {"api": bare.api, "host": bare.api.partition("//")[2]}
    marathon.subscribe("http://another.example/in", "192.0.2.1")
    for subscribed, what, why in NEARLY:
        marathon.subscribe(subscribed.format(**parts), "192.0.2.1")
        found = bare.look("--marathon", url)
        marathon.unsubscribe(subscribed.format(**parts), "192.0.2.1")
        assert {"not-subscribed", what} <= errors(found), subscribed
        assert sum(each.startswith("subscribed") for each in found) == 1
        assert why.format(**parts) in found[what]["message"]
        assert "another.example" not in bare.shown
        assert not any(secret in bare.shown for secret in (token, revoked, reader, WRONG))


def test_subscribed_is_another_stage(
    well: Doctor, marathon: SimulatedMarathon, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = cloud.make_stage(f"t{uuid.uuid4().hex[:12]}")
    monkeypatch.setattr(config, "known_stages", lambda: ["nowhere", well.stage.name, other.name])
    token = tokens.mint()
    other.tokens.add(token, "publisher", "prod", "test")
    keep_api(other, "http://other.example/api")
    marathon.subscribe(f"http://other.example/api/callback?token={token}", "192.0.2.1")
    found = well.look("--marathon", url)
    assert f"is of stage {other.name}." in found["subscribed-other-stage"]["message"]
    stacks.delete(stacks.messaging_stack(other.name))
    found = well.look("--marathon", url)
    assert f"stage {other.name}, which was destroyed" in found["subscribed-destroyed"]["message"]


def test_a_dead_subscription_beside_the_good_one(
    well: Doctor, marathon: SimulatedMarathon, url: str
) -> None:
    well.register(url)
    marathon.subscribe(f"{well.api}/callback?token={WRONG}", "192.0.2.1")
    found = well.look("--marathon", url, "--timeout", "60")
    assert errors(found) == set()
    assert warnings(found) == {"subscribed-token"}
    assert "--remove" in found["subscribed-token"]["remedy"]
    assert "arrived" in found


def test_another_marathon_than_the_one_that_was_registered(
    well: Doctor, marathon: SimulatedMarathon, url: str
) -> None:
    well.register(url)
    marathon.framework_id = "f-9"
    found = well.look("--timeout", "60")
    assert "framework id f-9" in found["marathon-another"]["message"]
    assert "--force" in found["marathon-another"]["remedy"]


def test_a_penalty_is_found(
    well: Doctor, marathon: SimulatedMarathon, url: str, in_vain: None
) -> None:
    together = threading.Event()
    with serving_api(lambda: 500 if together.wait(60) else 0) as well.api:
        well.register(url)
        for n in range(6):  # all on their way before the first has failed: silence for a minute
            marathon.publish({"eventType": "app_terminated_event", "appId": f"/a{n}"})
        together.set()
        marathon.settle()
        marathon.publish({"eventType": "app_terminated_event", "appId": "/lost"})
        found = well.look("--marathon", url)
    assert errors(found) == {"api-failing", "penalised"}
    told = found["penalised"]["message"]
    assert "has skipped 2 posts, whose events are lost, and 7 failed" in told
    assert "sends nothing to us for now, a penalty" in told
    assert "the number of skipped posts grew" in told
    assert found["penalised"]["remedy"].endswith(f"--marathon {url} --revive")


def test_failing_posts_are_found(
    well: Doctor, marathon: SimulatedMarathon, url: str, in_vain: None
) -> None:
    with answering(500, b"") as well.api:
        well.register(url)
        marathon.settle()
        marathon.elect(url)  # a new leader knows of no penalty
        found = well.look("--marathon", url)
    assert "post-failed" in errors(found)
    assert "trusts its certificate" in found["post-failed"]["remedy"]


def test_an_event_that_marathon_delivered_elsewhere_is_missed(
    well: Doctor, url: str, in_vain: None
) -> None:
    with answering(200, HEALTHY) as well.api:
        well.register(url)
        found = well.look("--marathon", url)
    assert "within 700 ms. No event of cluster prod ever came." in found["not-arrived"]["message"]
    assert "answers status 200 to a POST with a wrong" in found["api-wrong-answer"]["message"]


def test_a_marathon_whose_events_have_no_timestamp(bare: Doctor) -> None:
    bare.api = NOBODY
    subscribed = f"{bare.api}/callback?token={bare.token()}"
    told = {"version": "0.4.1", "callbackUrls": [subscribed]}
    with answering(200, json.dumps(told).encode()) as url:
        found = bare.look("--marathon", url)
    assert "events.py tail" in found["not-proved"]["remedy"]


def test_events_lost_to_other_listeners_are_no_finding_of_ours(
    well: Doctor, marathon: SimulatedMarathon, url: str
) -> None:
    well.register(url)
    marathon.subscribe(f"{NOBODY}/in", "192.0.2.1")
    marathon.settle()
    found = well.look("--marathon", url, "--timeout", "60")
    assert well.status == 0
    assert "to one subscriber or another" in found["lost-before"]["message"]


def test_hostile_text_is_shown_as_text(well: Doctor, marathon: SimulatedMarathon, url: str) -> None:
    marathon.version = "1.1.1\x1b[31m\nok all is well"
    marathon.subscribe(f"{well.api}/\x1b[31m\u202e\u2028x", "192.0.2.1")
    lines = well.lines("--marathon", url)
    assert any("\\x1b[31m" in line for line in lines)
    assert not any(each in well.shown for each in "\x1b\u202e\u2028")
    assert not any(line.startswith("ok all") for line in lines)
    assert "subscribed-path" in well.look("--marathon", url)
    assert "\x1b" not in well.shown


# The way


def test_each_step_of_the_connection_is_timed(well: Doctor, url: str) -> None:
    told = well.look("--marathon", url)["api-reachable"]["message"]
    for leg in ("DNS ", "TCP ", "GET /health ", "POST ", "ten seconds", "a burst of more than"):
        assert leg in told


def way(api: str) -> Found:
    return {each.what: each.__dict__ for each in network_checks.check(api)}


def test_an_unknown_name_of_the_api_is_found() -> None:
    assert "api.invalid is not known" in way("https://api.invalid")["api-dns"]["message"]


def test_a_refused_connection_is_found() -> None:
    assert "Connection refused" in way(NOBODY)["api-tcp"]["message"]


def test_a_certificate_that_is_not_trusted(shared: Doctor, tmp_path: Path) -> None:
    with secure(tmp_path) as shared.api:
        found = shared.look("--marathon", shared.api)
    assert "self-signed certificate" in found["api-tls"]["message"]
    assert "Java" in found["api-tls"]["remedy"]
    assert "--ca" in found["marathon-untrusted"]["remedy"]


@pytest.mark.parametrize(
    ("status", "body", "what"),
    [
        (404, b"", "api-not-ours"),
        (200, b"<html>", "api-not-ours"),
        (403, b'{"message": "Missing Authentication Token"}', "api-not-ours"),
        (403, b'{"Message": "User: anonymous is not authorized"}', "api-forbidden"),
        (502, b"", "api-failing"),
        (429, b"", "api-failing"),
    ],
)
def test_another_server_is_not_taken_for_the_api(status: int, body: bytes, what: str) -> None:
    with answering(status, body) as api:
        assert f"status {status} to GET /health" in way(api)[what]["message"]


def test_a_wrong_token_that_is_accepted_is_found() -> None:
    for status, what in ((202, "api-wrong-answer"), (503, "api-failing")):
        with serving_api(lambda status=status: status) as api:  # type: ignore[misc]
            assert f"status {status} to " in way(api)[what]["message"]


@pytest.mark.parametrize(
    "body",
    [b'{"Message": "User: anonymous is not authorized"}', b'{"error": "blocked"}', b"<html>"],
)
def test_a_resource_policys_403_is_not_taken_for_our_refusal(body: bytes) -> None:
    with serving({"/health": lambda: (200, HEALTHY)}, lambda: (403, body)) as api:
        found = way(api)
    assert found["api-forbidden"]["level"] == "warning"
    assert "run the doctor on one of its hosts" in found["api-forbidden"]["remedy"]


def test_the_api_speaks_no_http(tmp_path: Path) -> None:
    with secure(tmp_path) as api:
        found = way(api.replace("https", "http"))
    assert "does not answer in HTTP" in found["api-http"]["message"]


def test_the_api_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_checks, "MARATHON_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = way(f"http://127.0.0.1:{listening.getsockname()[1]}")
    assert "gives no answer" in found["api-silent"]["message"]


def test_the_api_is_slow() -> None:
    def late() -> int:
        slowly(1.05)
        return 403

    with serving_api(late) as api:
        found = way(api)
    assert found["api-slow"]["level"] == "warning"
    told = re.search(r"POST ([0-9.]+) s.*about ([0-9]+) events", found["api-slow"]["message"])
    assert told
    assert float(told[1]) >= 1
    assert abs(float(told[1]) * int(told[2]) - 40) < 4


# The stage


def test_a_stage_that_is_not_deployed(shared: Doctor, url: str) -> None:
    shared.stage = Stage("prod", "", "")
    found = shared.look("--marathon", url)
    assert found["stage-not-deployed"]["remedy"] == "Deploy it first: make deploy STAGE=prod."
    assert "marathon-answers" in found
    shared.stage = Stage("nowhere", "", "")
    assert "no stage 'nowhere'" in shared.look()["stage-not-deployed"]["message"]


def test_a_stage_that_was_destroyed(bare: Doctor, marathon: SimulatedMarathon, url: str) -> None:
    bare.api = NOBODY
    keep_api(bare.stage, bare.api)
    bare.register(url)
    stacks.delete(stacks.messaging_stack(bare.stage.name))
    bare.api = ""
    found = bare.look()
    assert errors(found) == {"stage-destroyed", "no-api", "subscribed-destroyed"}
    assert "make deploy" in found["stage-destroyed"]["remedy"]


def test_a_stage_without_functions_api_and_cluster(shared: Doctor) -> None:
    found = shared.look()
    assert errors(found) == {"function-missing", "stage-no-api", "no-cluster"}
    assert warnings(found) == {"subscribers-none"}


def test_a_cluster_without_an_address_is_skipped_and_said(bare: Doctor) -> None:
    bare.stage.clusters.claim(Cluster("old", "", ""))
    told = bare.look()["marathon-skipped"]
    assert told["level"] == "ok"
    assert told["message"].startswith("Cluster old has no address")
    assert told["message"].endswith("No event of cluster old ever came.")


def test_waiting_messages_are_found(bare: Doctor) -> None:
    for url, count in ((bare.stage.spill_queue_url, 3), (bare.stage.dead_letter_queue_url, 2)):
        for n in range(count):
            client("sqs").send_message(QueueUrl=url, MessageBody=str(n))
    client("sqs").receive_message(QueueUrl=bare.stage.spill_queue_url)  # hides one
    measured(bare.stage.spill_queue_name, "AWS/SQS", "ApproximateAgeOfOldestMessage", 300)
    found = bare.look()
    assert "3, the oldest for 5 minutes" in found["spill-waiting"]["message"]
    assert "restore" in found["spill-waiting"]["remedy"]
    assert found["dead-letters"]["message"].endswith(": 2.")
    assert f"parked --stage {bare.stage.name}" in found["dead-letters"]["remedy"]


def test_functions_and_mappings(bare: Doctor) -> None:
    made = functions(bare.stage)
    found = bare.look()
    assert errors(found) == {"stage-no-api", "no-cluster"}
    assert "functions-there" in found

    change = client("lambda").update_event_source_mapping
    change(UUID=made["fanout"], Enabled=False)
    found = bare.look()
    assert "fanout is disabled" in found["mapping-disabled"]["message"]
    assert f"--uuid {made['fanout']} --enabled" in found["mapping-disabled"]["remedy"]

    change(UUID=made["fanout"], Enabled=True)
    client("lambda").delete_event_source_mapping(UUID=made["restore"])
    assert "-restore" in bare.look()["mapping-missing"]["message"]

    client("lambda").delete_function(FunctionName=FUNCTIONS[0].lambda_name(bare.stage.name))
    told = bare.look()["function-missing"]["message"]
    assert told == f"The function marathon-events-{bare.stage.name} is not there."


def test_a_mapping_that_loses_what_failed(bare: Doctor) -> None:
    functions(bare.stage, reports=[])
    assert "ReportBatchItemFailures" in bare.look()["mapping-loses"]["message"]


def test_notifications_are_behind(bare: Doctor) -> None:
    functions(bare.stage)
    name = f"marathon-events-{bare.stage.name}-fanout"
    measured(name, "AWS/Lambda", "IteratorAge", 30_000)
    assert "fanout-behind" not in bare.look()
    measured(name, "AWS/Lambda", "IteratorAge", 600_000)
    assert "10 minutes behind" in bare.look()["fanout-behind"]["message"]
    measured(f"marathon-events-{bare.stage.name}-alerts", "AWS/Lambda", "IteratorAge", 300_000)
    assert bare.look()["alerts-behind"]["message"] == "Alerts are 5 minutes behind what is stored."


def test_subscribers_that_did_not_confirm(between_scripts: Proxy, shared: Doctor) -> None:
    # moto confirms by itself.
    pending = PENDING.format(arn=shared.stage.topic_arn).encode()
    with between_scripts.fault("ListSubscriptionsByTopic", instead(200, pending)):
        found = shared.look()
    # Both topics were asked.
    assert "none of the 2 subscribers" in found["subscribers-unconfirmed"]["message"]


def test_subscribers_of_alerts_only_count_as_subscribers(bare: Doctor) -> None:
    assert "subscribe.py" in bare.look()["subscribers-none"]["remedy"]
    assert subscribe.main(["--stage", bare.stage.name, "--to", "you@example.net"]) == 0
    found = bare.look()
    assert found["subscribers"]["message"] == "Subscribers: events 0, alerts 1."
    assert "messages-undelivered" not in found


def test_undelivered_messages_are_found(bare: Doctor) -> None:
    hook = "https://hooks.example.net/in"
    assert subscribe.main(["--stage", bare.stage.name, "--to", hook]) == 0
    (url,) = queues.find_all(f"marathon-events-{bare.stage.name}-undelivered-")
    client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    found = bare.look()["messages-undelivered"]
    assert found["message"].endswith(f"{queues.name_of(url)}: 1.")
    assert "--list shows which subscriber" in found["remedy"]


# Relays


def test_a_relay_that_sends_nothing_is_found(bare: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = times.now()
    for name in ("mute", "silent", "heard"):
        bare.stage.clusters.claim(Cluster(name, "", ""))
        with monkeypatch.context() as patched:
            patched.setattr(times, "now", lambda: now - dt.timedelta(hours=3))
            bare.token("relay on node-1", name)
    bare.stage.clusters.claim(Cluster("new", "", ""))
    bare.token("relay on node-1", "new")
    received(bare.stage, "silent", now - dt.timedelta(minutes=20))
    received(bare.stage, "heard", now - dt.timedelta(minutes=10))
    lines = [line for line in bare.lines() if " relay" in line]
    told = {line.partition("cluster ")[2].split()[0].strip(",."): line for line in lines}
    silent = times.iso(now - dt.timedelta(minutes=20))
    assert told["silent"].startswith("warning")
    assert f"20 minutes ago, at {silent}" in told["silent"]
    assert told["mute"].startswith("warning")
    assert "No event of cluster mute ever came" in told["mute"]
    assert told["heard"].startswith("ok")
    assert told["new"].startswith("ok")


# What can't be looked at


BLIND = [
    ("GetQueueAttributes", DENIED, "spill-unknown"),
    ("Query", DENIED, "table-unknown"),
    ("Query", instead(200, b"<html>"), "table-unknown"),
    ("ListSubscriptionsByTopic", cut, "subscribers-unknown"),
    ("DescribeStacks", DENIED, "stage-unknown"),
]


def test_a_failing_check_says_so_and_stops_no_other(
    between_scripts: Proxy, shared: Doctor, url: str
) -> None:
    for operation, fault, what in BLIND:
        with between_scripts.fault(operation, fault):
            found = shared.look("--marathon", url)
        assert "could not be looked at" in found[what]["message"], operation
        assert found[what]["remedy"]
        assert "marathon-answers" in found


def test_an_unreadable_table_is_not_reported_as_empty(
    between_scripts: Proxy, shared: Doctor, marathon: SimulatedMarathon, url: str
) -> None:
    marathon.subscribe("http://another.example/in", "192.0.2.1")
    for operation, more in (("Query", []), ("Query", ["--marathon", url]), ("GetItem", [])):
        with between_scripts.fault(operation, DENIED):
            found = shared.look(*more)
            assert "table-unknown" in found
            assert not {"no-cluster", "no-api", "stage-no-api", "not-subscribed"} & found.keys()


def test_without_cloudwatch_its_checks_are_left_out(between_scripts: Proxy, bare: Doctor) -> None:
    functions(bare.stage)
    with between_scripts.fault("GetMetricStatistics", DENIED):
        found = bare.look()
    assert not [what for what in found if "behind" in what or "unknown" in what]


# What the tests need


PENDING = """<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
<ListSubscriptionsByTopicResult><Subscriptions><member>
<TopicArn>{arn}</TopicArn><Protocol>email</Protocol><Owner>1</Owner>
<SubscriptionArn>PendingConfirmation</SubscriptionArn><Endpoint>a@example.net</Endpoint>
</member></Subscriptions></ListSubscriptionsByTopicResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ListSubscriptionsByTopicResponse>"""


def functions(stage: Stage, reports: list[str] | None = None) -> dict[str, str]:
    """Make a stage's functions, as far as they can be seen; their mappings' ids by their names.
    Nothing may be stored or spilled from then on: moto would look for a container to run them in.
    """
    role = make_role(stage.name)
    spill = client("sqs").get_queue_attributes(
        QueueUrl=stage.spill_queue_url, AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    made = {}
    for each in FUNCTIONS:
        arn = make_function(each.lambda_name(stage.name), role)
        if each.feed:
            source = {"EventSourceArn": spill}
            if each.feed is STREAM:
                source = {"EventSourceArn": stage.stream_arn, "StartingPosition": "TRIM_HORIZON"}
            types = ["ReportBatchItemFailures"] if reports is None else reports
            made[each.name] = _map(arn, types, source)
    return made


def _map(function: str, types: list[str], source: dict[str, str]) -> str:
    request = {"FunctionName": function, "FunctionResponseTypes": types, **source}
    try:
        return str(client("lambda").create_event_source_mapping(**request)["UUID"])
    except client("lambda").exceptions.InvalidParameterValueException:
        # Right after a role was made, its first stream is out of reach.
        return str(client("lambda").create_event_source_mapping(**request)["UUID"])


def measured(whose: str, namespace: str, name: str, value: float) -> None:
    dimension = "QueueName" if namespace == "AWS/SQS" else "FunctionName"
    client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": dimension, "Value": whose}],
                "Value": value,
                "Timestamp": dt.datetime.now(dt.UTC),
            }
        ],
    )


def received(stage: Stage, cluster: str, at: dt.datetime) -> None:
    event = {"eventType": "app_terminated_event", "appId": "/a", "timestamp": times.iso(at)}
    body = json.dumps(event).encode()
    stage.store.put(record_of(identify(body, at), cluster, at, read(body), body))


def serving_api(status: Callable[[], int]) -> contextlib.AbstractContextManager[str]:
    """An API that is healthy, and answers posts as it is told."""
    return serving({"/health": lambda: (200, HEALTHY)}, lambda: (status(), REFUSAL))


def marathon_saying(info: dict[str, Any], status: int) -> contextlib.AbstractContextManager[str]:
    """A Marathon that tells of itself, and answers all else with a status."""
    return serving({"/v2/info": lambda: (200, json.dumps(info).encode())}, lambda: (status, b""))


def serving(
    paths: dict[str, Callable[[], Answer]], other: Callable[[], Answer]
) -> contextlib.AbstractContextManager[str]:
    """What answers at these paths, and at all others."""
    return answering_by(lambda path: paths.get(path, other)())


@contextlib.contextmanager
def secure(folder: Path) -> Iterator[str]:
    """Something that shows a certificate of its own making."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(folder))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet, args=(listening, context))
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def greet(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Shake hands with whoever comes, until the socket is shut."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            context.wrap_socket(connection, server_side=True).close()
