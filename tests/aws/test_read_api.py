"""The read API over real HTTP: what readers ask, and what they are answered."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from ops.cli import Failure
from ops.stage import access

import grant
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib import gate, times
from chalicelib.records.incident import stands_still
from chalicelib.records.record import Record
from chalicelib.services import aws, tokens
from chalicelib.services.clusters import Cluster
from chalicelib.web import cursors, sizes
from local.scenario import CREATED, FAILED, SCALED
from local.system import System
from tests.support.alone import api_of_many
from tests.support.faults import injected, no_connection
from tests.support.records import keep, record, record_from
from tests.support.web import Reply, get

SCALING = SCALED[1]["plan"]["id"]


@pytest.fixture(scope="module")
def system(aws: str) -> Iterator[System]:
    """With one cluster, and what happened to it; for all tests here that only read."""
    with api_of_many() as made:
        yield fill(made)


@pytest.fixture
def own(served: System) -> System:
    """A system like it, of the test's own: it changes what is there."""
    return fill(served)


@pytest.fixture
def token(system: System) -> str:
    return reader(system)


def fill(system: System) -> System:
    system.stage.clusters.claim(Cluster("prod", "http://m", "f"))
    store(system, *(record(**event) for event in (*CREATED, *SCALED, *FAILED)))
    return system


def reader(system: System, cluster: str = "") -> str:
    return access.grant(system.stage, "test", cluster, None)[0]


def store(system: System, *records: Record) -> None:
    keep(system.stage.store, *records)


def ask(system: System, token: str, **parameters: Any) -> Reply:
    return get(system.api, f"/events?{urlencode(parameters)}", token)


def titles(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [each["title"] for each in reply.json["events"]]


def test_the_feed_is_newest_first_and_every_summary_is_whole(system: System, token: str) -> None:
    reply = ask(system, token, limit=3)
    assert titles(reply)[0] == (
        "Task of /my-app failed on node-4.example.net: Container exited with status 137"
    )
    assert reply.json["events"][0] == {
        "id": reply.json["events"][0]["id"],
        "cluster": "prod",
        "type": "status_update_event",
        "timestamp": "2016-04-24T09:29:52.774Z",
        "received_at": "2026-01-02T03:04:05.678Z",
        "subject": "app:/my-app",
        "severity": "error",
        "title": "Task of /my-app failed on node-4.example.net: Container exited with status 137",
        "app": "/my-app",
        "task": "my-app.4b5a1d9e-09fe-11e6-8b3c-0242ac110004",
        "host": "node-4.example.net",
        "status": "TASK_FAILED",
    }
    assert len(reply.json["events"]) == 3
    assert reply.json["cursor"]


def test_every_filter_narrows_what_is_found(system: System, token: str) -> None:
    for parameters, count in (
        ({"app": "/my-app"}, 14),
        ({"app": "my-app", "severity": "warning"}, 2),
        ({"app": "/*", "type": "status_update_event"}, 4),
        ({"app": "/other"}, 0),
        ({"deployment": SCALING}, 3),
        ({"deployment": SCALING, "app": "/my-app", "type": "deployment_success"}, 1),
        ({"subject": "group:/"}, 2),
        ({"subject": "group:/", "deployment": SCALING}, 0),
        ({"severity": "error"}, 1),
        ({"severity": "warning", "until": "2016-04-24T09:29:51Z"}, 1),
        ({"since": "2016-04-24T11:28:31.298+02:00", "until": "2016-04-24T09:28:31.310Z"}, 3),
        ({"since": "2016-04-24T09:29:51Z", "until": "2016-04-24T09:00:00Z"}, 0),
        ({"text": "IS RUNNING", "app": "/*"}, 3),
        ({"type": ""}, 16),
    ):
        assert len(titles(ask(system, token, **parameters))) == count, parameters


def test_pages_follow_each_other_by_cursor_to_the_end(system: System, token: str) -> None:
    found: list[str] = []
    cursor = ""
    while True:
        more = {"cursor": cursor} if cursor else {}
        reply = ask(system, token, app="/my-app", limit=4, **more)
        found += titles(reply)
        cursor = reply.json.get("cursor", "")
        if not cursor:
            break
    assert found == titles(ask(system, token, app="/my-app"))
    assert len(found) == 14


def test_a_cursor_is_good_for_its_query_and_its_reader_alone(system: System, token: str) -> None:
    cursor = ask(system, token, app="/my-app", limit=4).json["cursor"]
    wrong = (
        (token, {"app": "/my-app", "severity": "error", "cursor": cursor}),
        (token, {"cursor": cursor}),
        (reader(system), {"app": "/my-app", "cursor": cursor}),
        (token, {"app": "/my-app", "cursor": cursor[:-1]}),
        (token, {"app": "/my-app", "cursor": f"{cursor}A"}),
        (token, {"app": "/my-app", "cursor": cursor[::-1]}),
        (token, {"app": "/my-app", "cursor": "ü"}),
    )
    for who, parameters in wrong:
        reply = ask(system, who, **parameters)
        assert (reply.status, reply.json["error"]["parameter"]) == (400, "cursor")
    assert ask(system, token, app="/my-app", limit=2, cursor=cursor).status == 200


@given(st.text(max_size=60), st.text(max_size=8))
def test_no_text_passes_for_a_cursor(text: str, query: str) -> None:
    assert cursors.read("t" * 43, query, text) is None
    id_ = "20160424T092748069Z-0123456789abcdef"
    made = cursors.make("t" * 43, query, id_)
    assert cursors.read("t" * 43, query, made) == id_
    if text:
        assert cursors.read("t" * 43, query + text, made) is None


@pytest.mark.parametrize(
    ("parameters", "name", "hint"),
    [
        ({"limit": "0"}, "limit", "from 1 to 500"),
        ({"limit": "501"}, "limit", "from 1 to 500"),
        ({"limit": "²"}, "limit", "from 1 to 500"),
        ({"severity": "bad"}, "severity", "info, notice, warning, error"),
        ({"since": "yesterday"}, "since", "2016-04-24T09:27:00Z"),
        ({"until": "2016-04-24T09:27:00"}, "until", "with its zone"),
        ({"app": "/a*b"}, "app", "/prod/*"),
        ({"cluster": "#clusters"}, "cluster", "GET /clusters"),
        ({"severty": "error"}, "severty", "cluster, app"),
        ({"text": "x" * 3000}, "text", "at most"),
        ({"limit": "0" * 4400 + "1"}, "limit", "a number from 1 to 500"),
        ({"limit": "9" * 4400}, "limit", "a number from 1 to 500"),
        ({"limit": "000000001999999"}, "limit", "a number from 1 to 500"),
        ({"limit": "٣"}, "limit", "a number from 1 to 500"),
    ],
)
def test_a_bad_value_is_refused_by_name_with_what_to_do(
    system: System, token: str, parameters: dict[str, str], name: str, hint: str
) -> None:
    reply = ask(system, token, **parameters)
    error = reply.json["error"]
    assert (reply.status, error["code"], error["parameter"]) == (400, "bad_parameter", name)
    assert hint in error["message"]


def test_an_event_is_shown_whole_and_masked(own: System) -> None:
    token = reader(own)
    body = b'{"eventType":"api_post_event","timestamp":"2016-04-25T00:00:00.000Z","appDefinition":'
    body += b'{"id":"/x","env":{"PASSWORD":"hunter2"},"cpus":0.10,"uris":["http://a:b@c/"]}}'
    whole, broken = record_from(body), record_from(b'{"env": "hunter2')
    store(own, whole, broken)
    reply = get(own.api, f"/events/prod/{whole.id}", token)
    assert reply.json == {**whole.summary(), "event": reply.json["event"]}
    assert '"cpus":0.10' in reply.text
    assert reply.json["event"]["appDefinition"]["env"] == {"PASSWORD": "***"}
    assert reply.json["event"]["appDefinition"]["uris"] == ["http://***@c/"]
    assert get(own.api, f"/events/prod/{broken.id}", token).json["event"] == '{"env": ***'


def test_an_event_too_large_for_lambda_is_left_out_and_says_so(own: System) -> None:
    token = reader(own)
    large = record_from(json.dumps({"eventType": "x", "text": '"' * 2_000_000}).encode())
    store(own, large)
    reply = get(own.api, f"/events/prod/{large.id}", token)
    assert (reply.status, reply.json["event"]) == (200, None)
    assert reply.json["event_omitted"] == "too large"


def in_lambdas_answer(reply: Reply) -> int:
    return len(json.dumps(reply.text))


def test_a_page_too_large_for_lambda_ends_earlier_with_a_cursor(
    own: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "MOST_BYTES", sizes.MOST_BYTES // 10)
    token = reader(own)
    long = [f"/{n:03}{'é' * 250}" for n in range(100)]
    steps = [{"actions": [{"action": "StartApplication", "app": app} for app in long]}]
    plan = {"id": "d", "steps": steps}
    many = [record(eventType="deployment_info", plan=plan, n=n) for n in range(6)]
    for each in many:
        own.stage.store.put(each)
    found: list[str] = []
    cursor = ""
    while not found or cursor:
        more = {"cursor": cursor} if cursor else {}
        reply = ask(own, token, deployment="d", limit=500, **more)
        assert in_lambdas_answer(reply) < 600_000
        found += [each["id"] for each in reply.json["events"]]
        cursor = reply.json.get("cursor", "")
    assert found == sorted((each.id for each in many), reverse=True)
    assert len(reply.json["events"]) < len(found)


def test_a_story_too_large_for_lambda_is_cut_and_says_so(
    own: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "MOST_BYTES", sizes.MOST_BYTES // 10)
    token = reader(own)
    actions = [{"action": "S" * 50, "app": f"/{n:05}{'é' * 240}"} for n in range(400)]
    plan = {"id": "d", "steps": [{"actions": [each]} for each in actions]}
    store(own, record(eventType="deployment_info", plan=plan))
    reply = get(own.api, "/deployments/prod/d", token)
    assert in_lambdas_answer(reply) < 600_000
    story = reply.json
    assert set(story["omitted"]) == {"apps", "steps"}
    assert len(story["steps"]) + story["omitted"]["steps"] == 400
    assert story["apps"][0] == actions[0]["app"]
    assert len(story["events"]) == 1


def test_overview_and_list_of_deployments_are_cut_where_they_would_be_too_large(
    own: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = reader(own)
    monkeypatch.setattr(sizes, "MOST_BYTES", 3_000)
    steps = [{"actions": [{"action": "StartApplication", "app": f"/{'é' * 100}"}]}]
    for n in range(15):
        store(own, record(eventType="deployment_info", plan={"id": f"d{n}", "steps": steps}))
    reply = get(own.api, "/clusters", token)
    assert in_lambdas_answer(reply) < 3_200
    (cluster,) = reply.json["clusters"]
    assert cluster["deployments"]
    assert len(cluster["deployments"]) + cluster["omitted"]["deployments"] == 15
    listed: list[str] = []
    cursor = ""
    while not listed or cursor:
        reply = get(own.api, f"/deployments?limit=500&app=/*&cursor={cursor}", token)
        assert in_lambdas_answer(reply) < 3_200
        listed += [each["id"] for each in reply.json["deployments"]]
        cursor = reply.json.get("cursor", "")
    assert set(listed) >= {f"d{n}" for n in range(15)}
    assert len(listed) == len(set(listed))


def test_a_story_of_large_bodies_reads_a_bounded_part_of_them(own: System) -> None:
    token = reader(own)
    plan = {"id": "d", "steps": [{"actions": [{"action": "StartApplication", "app": "/x"}]}]}
    for n in range(20):
        padding = " " * 3_000_000
        store(own, record(eventType="deployment_info", plan=plan, padding=padding, n=n))
    story = get(own.api, "/deployments/prod/d", token).json
    assert (story["apps"], len(story["events"])) == (["/x"], 20)


def test_a_cluster_that_does_not_exist_is_not_found_and_those_that_do_are_named(
    own: System,
) -> None:
    token = reader(own)
    reply = ask(own, token, cluster="nope")
    assert (reply.status, reply.json["error"]["parameter"]) == (404, "cluster")
    assert reply.json["error"]["message"] == "There is no cluster nope. There are prod."
    for path in ("/deployments", "/alerts", "/incidents"):
        reply = get(own.api, f"{path}?cluster=nope", token)
        assert (reply.status, reply.json["error"]["parameter"]) == (404, "cluster"), path
        assert get(own.api, f"{path}?cluster=prod", token).status == 200
    store(own, record_from(b'{"eventType":"x"}', "forgotten"))
    assert ask(own, token, cluster="forgotten", app="/none").json == {"events": []}
    assert get(own.api, "/deployments?cluster=forgotten", token).json == {"deployments": []}
    own.stage.clusters.claim(Cluster("other", "http://n", "g"))
    reply = ask(own, reader(own, "other"), cluster="nope")
    assert (reply.status, "prod" in reply.text) == (403, False)


@pytest.mark.parametrize(
    "path",
    [
        "/events/prod/20160424T092748069Z-0123456789abcdef",
        "/events/prod/no-id",
        "/events/%23tokens/20160424T092748069Z-0123456789abcdef",
        f"/events/{quote('ü|x', safe='')}/a",
        "/deployments/prod/none",
        f"/deployments/{'x' * 3000}/none",
        f"/deployments/prod/{quote('%00' + 'x' * 3000, safe='')}",
    ],
)
def test_a_missing_event_is_not_found(system: System, token: str, path: str) -> None:
    reply = get(system.api, path, token)
    assert (reply.status, reply.json["error"]["code"]) == (404, "not_found")


def test_a_deployment_has_a_story(system: System, token: str) -> None:
    story = get(system.api, f"/deployments/prod/{SCALING}", token).json
    assert (story["state"], story["apps"], story["seconds"]) == ("succeeded", ["/my-app"], 1.203)
    assert story["steps"][0]["actions"] == [
        {"action": "ScaleApplication", "app": "/my-app", "from": 2, "to": 4}
    ]
    assert story["changes"][0]["fields"] == [
        {"field": "instances", "change": "changed", "before": 2, "after": 4}
    ]
    assert "null" not in json.dumps(story)


def test_clusters_tell_their_newest_event_and_what_is_running(own: System) -> None:
    token = reader(own)
    own.stage.clusters.claim(Cluster("silent", "http://n", "g"))
    begun = SCALED[1] | {"timestamp": "2016-04-24T10:00:00.000Z"}
    begun["plan"] = begun["plan"] | {"id": "another"}
    store(own, record(**begun))
    assert get(own.api, "/clusters", token).json == {
        "clusters": [
            {
                "name": "prod",
                "newest": "2016-04-24T10:00:00.000Z",
                "incidents": [],
                "deployments": [
                    {
                        "id": "another",
                        "apps": ["/my-app"],
                        "started_at": "2016-04-24T10:00:00.000Z",
                        "step": 1,
                        "steps": 1,
                    }
                ],
            },
            {"name": "silent", "incidents": [], "deployments": []},
        ],
        "silences": [],
    }
    reply = ask(own, token)
    assert reply.json["error"]["message"] == "Say which cluster: prod, silent."
    (known,) = own.stage.incidents.read().deployments
    own.stage.incidents.open(stands_still("prod", "another", known.last))
    ((shown,), _) = (
        each["deployments"] for each in get(own.api, "/clusters", token).json["clusters"]
    )
    assert shown["stuck_since"] == times.iso(known.last)


def test_before_anything_is_registered_there_is_nothing_to_see(served: System) -> None:
    token = reader(served)
    assert ask(served, token).json == {"events": []}
    assert get(served.api, "/clusters", token).json == {"clusters": [], "silences": []}


# Who may read.


def test_without_a_readers_token_nothing_is_told(system: System) -> None:
    publisher = tokens.mint()
    system.stage.tokens.add(publisher, "publisher", "prod", "test")
    paths = ("/events", "/clusters", "/events/prod/x", f"/deployments/prod/{SCALING}")
    for path in paths:
        reply = get(system.api, path)
        assert (reply.status, reply.json["error"]["code"]) == (401, "no_token")
        assert reply.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
        for wrong in (publisher, tokens.mint(), "x", "ü" * 43):
            reply = get(system.api, path, wrong.encode().decode("latin-1"))
            assert (reply.status, reply.json["error"]["code"]) == (403, "refused")


def test_a_token_ends_when_its_time_is_over_not_later(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _ = access.grant(system.stage, "test", "", timedelta(hours=1))
    assert ask(system, token).status == 200
    over = time.time() + 3601
    monkeypatch.setattr("chalicelib.services.tokens.time.time", lambda: over)
    assert ask(system, token).status == 403


def test_a_token_of_one_cluster_reads_no_other(own: System) -> None:
    own.stage.clusters.claim(Cluster("other", "http://n", "g"))
    mine = reader(own, "other")
    assert ask(own, mine).json == {"events": []}
    assert [each["name"] for each in get(own.api, "/clusters", mine).json["clusters"]] == ["other"]
    for path in ("/events?cluster=prod", "/events/prod/x", f"/deployments/prod/{SCALING}"):
        reply = get(own.api, path, mine)
        assert (reply.status, reply.json["error"]["code"]) == (403, "other_cluster")


def test_an_expired_or_revoked_token_is_refused(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "ACCEPTED_SECONDS", 0)
    token, known = access.grant(system.stage, "test", "", timedelta(hours=1))
    assert ask(system, token).status == 200
    access.revoke(system.stage, known.hash[:8], "reader")
    assert ask(system, token).status == 403
    token, _ = access.grant(system.stage, "test", "", timedelta(hours=1))
    assert ask(system, token).status == 200
    later = time.time() + 3601
    monkeypatch.setattr("chalicelib.services.tokens.time.time", lambda: later)
    assert ask(system, token).status == 403


# What caches and browsers are told.


def test_an_unchanged_answer_is_not_sent_again(own: System) -> None:
    token = reader(own)
    id_ = ask(own, token).json["events"][0]["id"]
    for path in ("/events", f"/events/prod/{id_}", "/clusters", "/openapi.json"):
        first = get(own.api, path, token)
        again = get(own.api, path, token, **{"If-None-Match": f"W/{first.headers['etag']}"})
        assert (first.status, again.status, again.text) == (200, 304, "")
        assert again.headers["etag"] == first.headers["etag"]
    before = get(own.api, "/events", token).headers["etag"]
    store(own, record(appId="/new", timestamp="2016-05-01T00:00:00Z"))
    assert get(own.api, "/events", token, **{"If-None-Match": before}).status == 200


def test_every_answer_has_the_headers_that_keep_browsers_safe(system: System, token: str) -> None:
    for path in ("/events", "/clusters", "/events/prod/x", "/health", "/openapi.json"):
        for who in (token, None):
            headers = get(system.api, path, who).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "max-age" in headers["strict-transport-security"]
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert headers["content-type"] == "application/json"


def test_no_browser_keeps_what_a_token_let_in(system: System, token: str) -> None:
    id_ = ask(system, token).json["events"][0]["id"]
    paths = ("/events", f"/events/prod/{id_}", f"/deployments/prod/{SCALING}", "/clusters")
    for path in paths:
        headers = get(system.api, path, token).headers
        assert (headers["cache-control"], headers["vary"]) == ("no-store", "Authorization")
        assert get(system.api, path).headers["cache-control"] == "no-store"


def test_a_table_that_can_not_be_read_is_told_and_is_no_failure(system: System, token: str) -> None:
    with injected(aws.dynamodb(), "Query", no_connection):
        reply = ask(system, token)
    assert (reply.status, reply.json["error"]["code"]) == (503, "unavailable")
    assert reply.headers["retry-after"] == "5"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["app", "deployment", "subject", "type", "text", "cursor", "cluster"]),
    value=st.text(max_size=40),
)
def test_no_text_makes_a_request_fail(system: System, token: str, name: str, value: str) -> None:
    reply = ask(system, token, **{name: value.encode("utf-8", "surrogatepass")})
    assert reply.status in (200, 400, 404)
    if reply.status != 200:
        assert reply.json["error"]["parameter"] == name


# The command that lets people read.


def test_grant_makes_a_token_that_reads(own: System, capsys: pytest.CaptureFixture[str]) -> None:
    stage = ["--stage", own.stage.name, "--url", own.api]
    assert grant.main([*stage, "--label", "Ada", "--cluster", "prod", "--expires", "30d"]) == 0
    shown = capsys.readouterr()
    link = shown.out.splitlines()[-1]
    address, _, token = link.partition("/#token=")
    assert address == own.api
    assert ask(own, token).status == 200
    assert token not in shown.err

    assert grant.main([*stage, "--list", "--json"]) == 0
    (line,) = (each for each in capsys.readouterr().out.splitlines() if '"hash"' in each)
    known = json.loads(line)
    assert (known["role"], known["cluster"], known["label"]) == ("reader", "prod", "Ada")
    assert known["valid"] is True
    assert grant.main([*stage, "--revoke", known["hash"][:8]]) == 0
    assert grant.main([*stage, "--list"]) == 0
    assert "revoked 20" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--label", "x", "--cluster", "nope"], "has no cluster 'nope'"),
        (["--revoke", "zz"], "No reader token has a hash that begins with 'zz'"),
    ],
)
def test_grant_says_what_is_wrong(system: System, args: list[str], told: str) -> None:
    with pytest.raises(Failure, match=told):
        grant.main(["--stage", system.stage.name, "--url", system.api, *args])


def test_grant_never_revokes_a_publisher(system: System) -> None:
    known = system.stage.tokens.add(tokens.mint(), "publisher", "prod", "test")
    with pytest.raises(Failure, match="No reader token"):
        grant.main(["--stage", system.stage.name, "--revoke", known.hash[:10]])
