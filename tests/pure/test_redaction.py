"""What is never kept, and what is never sent on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.marathon.masking import mask_json, mask_text
from chalicelib.records.redaction import redact

TOKEN = "A" * 43


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://h.example/in?token=s3cret", "https://h.example/in?***"),
        ("https://u:s3cret@h.example/in", "https://***@h.example/in"),
        ("https://u:s3cret@h.example/in?a=s3cret", "https://***@h.example/in?***"),
        ("https://h.example/in", "https://h.example/in"),
        (r"https:\/\/u:s3cret@h.example\/in\u003fs3cret", r"https:\/\/***@h.example\/in\u003f***"),
        (r"https://h.example/in?a=\"s3cret\"", "https://h.example/in?***"),
        (r"https://u:s3cret\u0040h.example/in", "https://***@h.example/in"),
        (r"https:\u002f\u002Fu:s3cret@h.example/in", r"https:\u002f\u002F***@h.example/in"),
        (r"https\u003a//u\u003as3cret\u0040h.example/in", r"https\u003a//***@h.example/in"),
        (r"https://u:s3\u00e9cret@x@h.example/in", "https://***@h.example/in"),
    ],
)
def test_a_callback_url_loses_its_secrets(url: str, kept: str) -> None:
    body = f'{{"clientIp": "x@y?z", "callbackUrl" : "{url}", "eventType": "subscribe_event?"}}'
    assert redact(body.encode(), TOKEN).decode() == body.replace(url, kept)


def test_a_callback_url_loses_them_in_a_body_that_breaks_off() -> None:
    assert redact(b'{"callbackUrl":"https://h/in?s3c', TOKEN) == b'{"callbackUrl":"https://h/in?***'


def test_the_requests_own_token_is_taken_out_wherever_it_stands() -> None:
    body = f'{{"a": "{TOKEN}", not json {TOKEN}'.encode()
    assert redact(body, TOKEN) == b'{"a": "***", not json ***'


def test_all_else_stays_byte_for_byte() -> None:
    body = b'\xff{"a" : "callbackUrl"}\x00'
    assert redact(body, TOKEN) == body


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    before=json_values,
    key=st.sampled_from(["env", "environment", "secrets"]),
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


def test_of_what_is_not_json_nothing_is_sent_from_the_environment_on() -> None:
    assert mask_text('{"id": "/x", "env": {"A": "s3cr') == '{"id": "/x", "env": ***'
    assert mask_text("no such thing") == "no such thing"
