"""What is never kept."""

import pytest

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


def test_other_bytes_stay_as_they_are() -> None:
    body = b'\xff{"a" : "callbackUrl"}\x00'
    assert redact(body, TOKEN) == body
