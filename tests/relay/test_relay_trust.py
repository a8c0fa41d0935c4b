"""How the relay reaches a Marathon that is behind a proxy, or wants a certificate."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

from local.marathon import SimulatedMarathon
from local.marathon.server import handler
from marathon_relay.marathon import Marathon, Unreachable
from marathon_relay.settings import read
from tests.support.certificates import self_signed
from tests.support.web import listening


@pytest.mark.parametrize("ca", [None, certifi.where()])
def test_the_proxy_of_the_environment_holds_with_and_without_a_ca(
    monkeypatch: pytest.MonkeyPatch, ca: str | None
) -> None:
    asked: list[bytes] = []

    def proxy(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            asked.append(connection.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=proxy, args=(server,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(Unreachable):
            Marathon("https://marathon.invalid:8443", ca=ca).info()
    assert asked[0].startswith(b"CONNECT marathon.invalid:8443 ")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def wants_a_certificate(certificate: Path) -> Iterator[str]:
    """The address of a Marathon that only clients with this certificate may ask."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    marathon = SimulatedMarathon(version="1.8.180")
    with listening(handler(marathon), tls=context) as marathon.leader:
        yield f"https://{marathon.leader}"


def test_a_client_certificate_is_shown_to_a_marathon_that_wants_one(
    wants_a_certificate: str, certificate: Path
) -> None:
    needed = {
        "RELAY_MARATHON": wants_a_certificate,
        "RELAY_URL": "https://api.example",
        "RELAY_TOKEN": "t" * 43,
        "RELAY_CA": str(certificate),
    }
    with pytest.raises(Unreachable):
        read([], needed).client().info()
    found = read([], needed | {"RELAY_CERT": str(certificate)}).client().info()
    assert found.version == "1.8.180"
    both = {"RELAY_CERT": str(certificate), "RELAY_KEY": str(certificate)}
    assert read([], needed | both).client().info() == found
