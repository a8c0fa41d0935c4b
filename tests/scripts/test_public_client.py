"""The simulated Marathon is one to others too: the public Python client works against it."""

import threading
from collections.abc import Iterator

import pytest
from marathon import MarathonClient

from local.marathon import SimulatedMarathon
from tests.support.relay import eventually


@pytest.fixture
def simulated() -> SimulatedMarathon:
    return SimulatedMarathon(version="1.4.13", heartbeat=0.005)


@pytest.fixture
def url(simulated: SimulatedMarathon) -> Iterator[str]:
    with simulated.running() as address:
        yield address


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_it_subscribes_lists_and_deletes(simulated: SimulatedMarathon, url: str) -> None:
    client = MarathonClient(url)
    client.create_event_subscription("http://127.0.0.1:9/in")
    assert simulated.urls == ["http://127.0.0.1:9/in"]
    assert client.list_event_subscriptions() == ["http://127.0.0.1:9/in"]
    client.delete_event_subscription("http://127.0.0.1:9/in")
    assert simulated.urls == []


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_it_reads_the_stream(simulated: SimulatedMarathon, url: str) -> None:
    stream = MarathonClient(url).event_stream()
    seen = []

    def read() -> None:
        for event in stream:
            seen.append(event)
            if len(seen) == 2:
                return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    eventually(lambda: simulated.listeners)
    time = "2016-04-24T09:00:00.000Z"
    simulated.publish({"appId": "/a", "eventType": "app_terminated_event", "timestamp": time})
    thread.join(60)
    assert [type(event).__name__ for event in seen] == [
        "MarathonEventStreamAttached",
        "MarathonAppTerminatedEvent",
    ]
