"""What is never sent on."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.marathon.masking import mask_json, mask_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    before=json_values,
    key=st.sampled_from(["env", "environment", "secrets", "credential"]),
    secret=st.dictionaries(st.text(), json_values, min_size=1, max_size=3),
    indent=st.sampled_from([None, 2]),
)
def test_the_environment_is_masked_at_any_depth_and_the_rest_kept(
    before: Any, key: str, secret: dict[str, Any], indent: int | None
) -> None:
    def event(inner: Any) -> Any:
        return {"a": before, "plan": [{"apps": [{key: inner, "id": "/x"}]}]}

    masked = json.loads(mask_json(json.dumps(event(secret), indent=indent)))
    expected = mask_json(json.dumps(event(dict.fromkeys(secret, "***"))))
    assert masked == json.loads(expected)
    assert masked["plan"][0]["apps"][0] == {key: dict.fromkeys(secret, "***"), "id": "/x"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (r'{"\u0065nv": {"A": "s3cret"}}', r'{"\u0065nv": {"A": "***"}}'),
        ('{"env": "s3cret"}', '{"env": "***"}'),
        ('{"env": null, "x": 1e999}', '{"env": null, "x": 1e999}'),
        ('{"env": {"A": ' + "9" * 5000 + "}}", '{"env": {"A": "***"}}'),
        (r'{"cmd": "\"env\": {}"}', r'{"cmd": "\"env\": {}"}'),
        ('{"environ": {"A": 1}}', '{"environ": {"A": 1}}'),
        ('{"ENV": {"A": 1}, "Secrets": [1]}', '{"ENV": {"A": "***"}, "Secrets": "***"}'),
        (r'{"\u0045nv": {"A": "s3cret"}}', r'{"\u0045nv": {"A": "***"}}'),
    ],
)
def test_spellings(text: str, masked: str) -> None:
    assert mask_json(text) == masked


SIGNED = "https://b.example/a.tgz?X-Amz-Credential=AK&X-Amz-Expires=60&X-Amz-Signature=s3cret"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://u:s3cret@h.example/a.tgz", "https://***@h.example/a.tgz"),
        ("a https://u:s3@cret@h/a, ftp://s3cret@i/", "a https://***@h/a, ftp://***@i/"),
        ("https://h.example/a@b?c@d", "https://h.example/a@b?c@d"),
        ("mail me@h.example", "mail me@h.example"),
        (
            SIGNED,
            "https://b.example/a.tgz?X-Amz-Credential=***&X-Amz-Expires=60&X-Amz-Signature=***",
        ),
        ("https://h/a?sig=s3cret&x=1", "https://h/a?sig=***&x=1"),
        ("https://h/a?access_token=s3cret#top", "https://h/a?access_token=***#top"),
        ("https://h/a?design=1&monkey=2", "https://h/a?design=1&monkey=2"),
    ],
)
def test_urls_in_any_string_lose_their_logins_and_signatures(text: str, masked: str) -> None:
    def event(url: str) -> dict[str, Any]:
        return {"uris": [url], "fetch": [{"uri": url}], "cmd": f"curl {url}", "n": 1e999}

    escaped = json.dumps(event(text)).replace("/", r"\/").replace("@", r"\u0040")
    assert json.loads(mask_json(json.dumps(event(text)))) == event(masked)
    assert json.loads(mask_json(escaped)) == event(masked)
    assert "s3cret" not in mask_text(f'{{"uris": ["{text}"')


def test_a_text_without_secrets_stays_letter_for_letter() -> None:
    text = r'{"a" : "https:\/\/h\u002fx", "b":[1.0,"\ud800", "?x=1" ], "c": "me@h"}'
    assert mask_json(text) == text


def test_a_body_that_is_not_json_is_cut_at_its_environment() -> None:
    assert mask_text('{"id": "/x", "env": {"A": "s3cr') == '{"id": "/x", "env": ***'
    assert mask_text("no such thing") == "no such thing"


MESOS = (
    "Container exited with status 125: Failed to run 'docker -H unix:///var/run/docker.sock run "
    "--cpu-shares 102 --memory 33554432 -e DB_PASSWORD=correct-horse -e OPTS=-Xmx1g -Dpw=battery "
    '-e JSON={"a": "it\'s a staple"} --env=KEY=horse2 --env TOKEN="ho rse3" -e \'A=ho rse4\' '
    "-eB=horse5 -e MESOS_SANDBOX=/mnt/mesos --net host --name mesos-1 registry:5000/web:1 -c run': "
    "exited with status 125; stderr='docker: Error response from daemon: image web:1 not found'"
)


@pytest.mark.parametrize("shown", [mask_text(MESOS), json.loads(mask_json(json.dumps(MESOS)))])
def test_a_docker_command_shows_no_value_and_its_cause_stays(shown: str) -> None:
    assert not [word for word in ("horse", "battery", "staple", "-Xmx") if word in shown]
    assert "-e DB_PASSWORD=*** -e OPTS=*** -e JSON=*** --env=KEY=*** --env TOKEN=***" in shown
    assert shown.startswith(MESOS[:80])
    assert shown.endswith(MESOS[MESOS.index(" --net host") :])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("docker run -e A=s3cret", "docker run -e A=***"),
        ("docker run -e A=s3cret image: not found", "docker run -e A=*** image: not found"),
        ("'docker run -e A=s3cret': exit 1", "'docker run -e A=***': exit 1"),
        ("'docker run -e A= -e B=s3cret': exit 1", "'docker run -e A=*** -e B=***': exit 1"),
        ("it says -e, or --env FILE", "it says -e, or --env FILE"),
        ("docker --env-file=/etc/env run", "docker --env-file=/etc/env run"),
        ("mysql --password=s3cret -h db", "mysql --password=*** -h db"),
        ("https://u:pa/s3cret@h/x: no such host", "https://***@h/x: no such host"),
        ("https://u:p@ss/s3cret@h/x", "https://***@h/x"),
        ("https://u:p?s3cret#@h/x", "https://***@h/x"),
        ("http://h:8080/v2/a@b", "http://h:8080/v2/a@b"),
        ("http://[::1]:8080/a@b", "http://[::1]:8080/a@b"),
        ("http://h/?pwd=s3cret&a=1", "http://h/?pwd=***&a=1"),
        ("http://h/?a=1&key=s3cret'", "http://h/?a=1&key=***'"),
        ('got {"env": {"A": "s3cret"}, "x": 1}: bad', 'got {"env": {"A": "***"}, "x": 1}: bad'),
        (r"got {\"env\": {\"A\": \"s3cret\"}}: bad", r'got {\"env\": {"A": "***"}}: bad'),
        ('[{"key": "env", "value": "A=s3cret', '[{"key": "env", "value": "***"'),
    ],
)
def test_messages_lose_their_secrets_and_nothing_else(text: str, masked: str) -> None:
    assert mask_text(text) == masked
    assert json.loads(mask_json(json.dumps({"message": text}))) == {"message": masked}
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    ("secret", "masked"),
    [
        ({"credential": {"principal": "s3cret"}}, {"credential": {"principal": "***"}}),
        ({"key": "env", "value": "A=s3cret"}, {"key": "env", "value": "***"}),
        ({"value": 'A="s3cret', "key": "env"}, {"value": "***", "key": "env"}),
        ({"key": "net", "value": "host"}, {"key": "net", "value": "host"}),
    ],
)
def test_docker_shows_neither_credential_nor_variables(secret: Any, masked: Any) -> None:
    def event(docker: Any) -> Any:
        return {"container": {"docker": {"image": "web", "parameters": [docker]}}}

    assert json.loads(mask_json(json.dumps(event(secret), indent=1))) == event(masked)
    within = json.loads(mask_json(json.dumps({"cmd": json.dumps(event(secret))})))
    assert json.loads(within["cmd"]) == event(masked)


# What costs most: many starts without an end, and many strings with something in them.
HOSTILE = (
    *('"a?\\n":"@\\n",', '"\\u0040",', '"env":{"":1},', r'"\"env\":1",', '"://@",'),
    *("://", "://a:b", "?key=", "-e A=", "(-e A=", "'-e A='", ' -e A="', "x:", "=", "@", "\\\\"),
    *('\\"env\\":1,', '\\"value\\":\\"', '\\"'),
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_masking_takes_time_in_proportion_to_the_length(unit: str) -> None:
    def seconds(length: int) -> float:
        many = unit * (length // len(unit))
        text = f"{{{many}" + '"z":1}' if unit.endswith(",") else f'{{"z":"= @ {many}"}}'
        started = time.thread_time()
        mask_json(text)
        return time.thread_time() - started

    # Quadratic time would be sixteen times as long.
    assert seconds(100_000) < 8 * max(min(seconds(25_000) for _ in range(2)), 0.02)


def test_a_text_with_too_many_secrets_is_masked_whole() -> None:
    assert mask_json("[" + '"@",' * 60_000 + "1]") == '"***"'
    assert mask_json("[" + '{"env":1},' * 60_000 + "1]") == '"***"'
    assert mask_text("a=b " * 60_000) == "***"


def test_titles_show_no_secret() -> None:
    from chalicelib.marathon.reading import read

    body = {"eventType": "status_update_event", "taskStatus": "TASK_FAILED", "message": MESOS}
    assert "horse" not in read(json.dumps(body).encode()).title
    fetch = "Failed to fetch 'https://u:s3cret@h/a.tgz?sig=s3cret'" + "x" * 500
    assert "s3cret" not in read(json.dumps({**body, "message": fetch}).encode()).title
