"""Which Marathon of a cluster the relay listens to, what it asks of it, and who sees its login."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.marathon import SimulatedMarathon
from marathon_relay.marathon import Login, Marathon, MarathonError, Unreachable
from marathon_relay.stream import Filter, opened
from tests.support.endpoint import Endpoint
from tests.support.relay import eventually, relaying
from tests.support.web import NOBODY, Handler, listening

OPS = Login("ops", "hunter2")
LOGIN = {"MARATHON_USER": "ops", "MARATHON_PASSWORD": "hunter2"}
AUTHORIZATION = "Basic b3BzOmh1bnRlcjI="
TIMESTAMP = "2020-03-02T08:15:30.120Z"


class Host:
    """Any host: it keeps what it is asked, and redirects, or answers as a stream or a leader."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.redirect = ""
        self.leader = ""

    @contextmanager
    def running(self) -> Iterator[str]:
        host = self

        class Asked(Handler):
            def do_GET(self) -> None:
                host.asked.append((self.path, self.headers["Authorization"]))
                if self.path.startswith("/v2/events") and host.redirect:
                    return self.answer(302, headers={"Location": host.redirect})
                known = {"/v2/info": {"version": "1.8.180"}, "/v2/leader": {"leader": host.leader}}
                return self.answer(200, json.dumps(known.get(self.path, {})).encode())

        with listening(Asked) as address:
            yield f"http://{address}"


def refusal(url: str) -> str:
    """What the relay says when it can't open a stream there."""
    with pytest.raises(MarathonError) as caught, opened(Marathon(url, OPS), Filter(), 60):
        pass
    return caught.value.advice


@pytest.mark.parametrize("version", ["1.4.13", "1.8.180"])
def test_a_standby_alone_leads_to_the_leader(
    endpoint: Endpoint, tmp_path: Path, version: str
) -> None:
    """One that proxies, and one that redirects; the login goes along."""
    marathon = SimulatedMarathon(version=version, credentials=AUTHORIZATION)
    with (
        marathon.running() as leader,
        marathon.running() as standby,
        relaying(standby, endpoint, tmp_path / "spool", **LOGIN) as relay,
    ):
        eventually(lambda: endpoint.records)
        assert relay.wait_for("stream_opened")["leader"] == leader.removeprefix("http://")


def test_a_redirect_out_of_the_cluster_is_not_followed() -> None:
    standby, stranger = Host(), Host()
    with standby.running() as url, stranger.running() as elsewhere:
        standby.redirect, standby.leader = f"{elsewhere}/v2/events", "leader.example:8080"
        told = refusal(url)
    assert elsewhere in told
    assert "RELAY_MARATHON" in told
    assert stranger.asked == []


@pytest.mark.parametrize("named", ["by the standby", "by the operator"])
def test_a_redirect_within_the_cluster_takes_the_login_along(
    endpoint: Endpoint, tmp_path: Path, named: str
) -> None:
    standby, leader = Host(), Host()
    with standby.running() as url, leader.running() as target:
        standby.redirect = f"{target}/v2/events"
        if named == "by the standby":
            standby.leader = target.removeprefix("http://")
        else:
            url = f"{url},{target}"
        with relaying(url, endpoint, tmp_path / "spool", **LOGIN):
            wanted = ("/v2/events", AUTHORIZATION)
            eventually(lambda: wanted in leader.asked)


def test_whichever_of_several_answers_is_listened_to(endpoint: Endpoint, tmp_path: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with (
        marathon.running() as url,
        relaying(f"{NOBODY},{url}", endpoint, tmp_path / "spool"),
    ):
        eventually(lambda: endpoint.records)


def test_a_wrong_address_is_told_and_tried_again(endpoint: Endpoint, tmp_path: Path) -> None:
    with relaying(NOBODY, endpoint, tmp_path / "spool") as relay:
        assert "connection failed" in relay.wait_for("stream_failed", 3)["reason"]
        assert relay.stop() == 0


def test_addresses_without_a_stream_are_rejected_with_a_reason() -> None:
    host = Host()
    with host.running() as url:
        assert "no event stream" in refusal(url)
        host.redirect = f"{url}/v2/events"
        assert "without end" in refusal(url)
    with SimulatedMarathon(version="0.8.2").running() as old:
        assert "register.py" in refusal(old)


@pytest.mark.parametrize("version", ["0.9.0", "1.3.7"])
def test_filters_by_type(endpoint: Endpoint, tmp_path: Path, version: str) -> None:
    marathon = SimulatedMarathon(version=version)
    options = ["--only", "b_event", "--only", "c_event", "--not", "c_event"]
    with (
        marathon.running() as url,
        relaying(url, endpoint, tmp_path / "spool", *options) as relay,
    ):
        eventually(lambda: marathon.listeners)
        for type_ in "abcab":
            marathon.publish({"eventType": f"{type_}_event", "timestamp": TIMESTAMP})
        eventually(lambda: endpoint.received.total() >= 1)
        marathon.publish({"eventType": "b_event", "n": 2, "timestamp": TIMESTAMP})
        eventually(lambda: len(endpoint.records) == 2)
        assert relay.stop() == 0
    assert {json.loads(body)["eventType"] for body in endpoint.records} == {"b_event"}
    # From 1.3.7 on Marathon itself leaves the others out.
    assert marathon.stream_counts.written == (5 if version == "1.3.7" else 7)


def test_the_client_asks_the_next_address_where_one_is_silent_or_knows_no_leader() -> None:
    alive, headless = SimulatedMarathon(version="1.8.180"), SimulatedMarathon(version="1.8.180")
    with alive.running() as url, headless.running() as without:
        headless.elect()
        marathon = Marathon(f"{NOBODY},{without},{url}", Login())
        assert marathon.info().version == "1.8.180"
        assert marathon.url == url
        assert marathon.leader() == url.removeprefix("http://")
    with pytest.raises(Unreachable):
        marathon.info()


def test_the_client_shows_apps_versions_and_deployments() -> None:
    simulated = SimulatedMarathon()
    definition = {"id": "/prod/web", "version": TIMESTAMP}
    simulated.publish({"eventType": "api_post_event", "appDefinition": definition})
    failed = {"eventType": "status_update_event", "taskStatus": "TASK_FAILED"}
    simulated.publish(failed | {"appId": "/prod/web", "timestamp": TIMESTAMP})
    with simulated.running() as url:
        marathon = Marathon(url)
        (app,) = marathon.apps()
        assert app["lastTaskFailure"]["timestamp"] == TIMESTAMP
        assert marathon.versions("/prod/web") == [TIMESTAMP]
        assert marathon.versions("/gone") == []
        assert marathon.deployments() == []
