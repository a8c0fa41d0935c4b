"""The relay's settings: where they come from, and what it says of those that are not usable."""

from pathlib import Path

from ops.cli import Failure
from ops.marathon import relay_env

import pytest

from marathon_relay.marathon import Login, Marathon
from marathon_relay.settings import Settings, SettingsError, read

TOKEN = "A" * 43
NEEDED = {
    "RELAY_MARATHON": "http://m.example:8080",
    "RELAY_URL": "https://api.example/api/",
    "RELAY_TOKEN": TOKEN,
}


def settings(*options: str, **variables: str) -> Settings:
    return read(list(options), NEEDED | variables)


def test_the_required_settings_suffice() -> None:
    made = settings()
    assert made.marathon == ("http://m.example:8080",)
    assert made.url == "https://api.example/api"
    assert (made.spool_limit, made.dead_after) == (10**9, 30.0)
    assert made.name
    assert made.listen is None
    assert TOKEN not in repr(made)


def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "relay.env"
    file.write_text(
        "# the relay\n\nRELAY_NAME=file\nRELAY_SPOOL='/file/spool'\nRELAY_CA=\nPATH=x\n"
    )
    with pytest.raises(SettingsError, match=r"RELAY_CA \(--ca\) is empty"):
        settings("--env-file", str(file))
    file.write_text(file.read_text().replace("RELAY_CA=\n", "RELAY_LOG=json\n"))
    file.chmod(0o600)
    made = settings("--env-file", str(file), "--log", "text", RELAY_NAME="environment")
    assert (made.name, made.spool, made.json_log) == ("environment", Path("/file/spool"), False)
    assert made.open_file is None
    file.chmod(0o644)
    assert settings("--env-file", str(file)).open_file == file


def test_each_filter_may_be_given_again() -> None:
    made = settings("--only", "a", "--only", "b", "--not", "c,d")
    assert made.only == frozenset("ab")
    assert made.without == frozenset("cd")


@pytest.mark.parametrize(
    ("size", "bytes_"),
    [("500MB", 500_000_000), ("2gb", 2_000_000_000), ("1G", 10**9), ("250 KB", 250_000)],
)
def test_sizes(size: str, bytes_: int) -> None:
    assert settings("--spool-limit", size).spool_limit == bytes_


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"RELAY_URL": ""}, r"RELAY_URL \(--url\) is empty"),
        ({"RELAY_URL": "api.example"}, r"RELAY_URL \(--url\): this is no address"),
        ({"RELAY_URL": "https://api.example/?x=1"}, "without what follows"),
        ({"RELAY_MARATHON": "m.example:8080"}, r"RELAY_MARATHON \(--marathon\): 'm.example:8080'"),
        ({"RELAY_MARATHON": "http://ops:pw@m.example"}, "MARATHON_USER and MARATHON_PASSWORD"),
        ({"RELAY_TOKEN": "two words"}, "RELAY_TOKEN: this is no token"),
        ({"RELAY_LISTEN": "9110"}, "such as 127.0.0.1:9110"),
        ({"RELAY_LISTEN": "a:99999"}, "such as 127.0.0.1:9110"),
        ({"RELAY_SPOOL_LIMIT": "much"}, "such as 500MB"),
        ({"RELAY_SPOOL_LIMIT": "1KB"}, "at least 100KB"),
        ({"RELAY_LOG": "xml"}, "say json or text"),
        ({"RELAY_STREAM": "no"}, "say on or off"),
        ({"RELAY_STREAM": "off", "RELAY_QUEUE_SECONDS": "0"}, "nothing is left to do"),
        ({"RELAY_QUEUE_SECONDS": "-1"}, "or 0 for never"),
        ({"RELAY_CA": __file__}, "holds no certificate"),
        ({"RELAY_CERT": __file__}, "no key"),
        ({"RELAY_CERT": "/no/such/file"}, "there is no such file"),
        ({"RELAY_KEY": __file__}, "set RELAY_CERT too"),
        ({"MARATHON_TOKEN_FILE": "/no/such/file"}, "there is no such file"),
        ({"MARATHON_TOKEN_FILE": __file__, "MARATHON_TOKEN": "t"}, "replaces"),
        ({"RELAY_DEAD_AFTER": "soon"}, "RELAY_DEAD_AFTER"),
        ({"RELAY_CA": "/no/such/file"}, "there is no such file"),
        ({"MARATHON_USER": "ops"}, "MARATHON_PASSWORD"),
        ({"MARATHON_PASSWORD": "pw"}, "MARATHON_USER"),
        (
            {"MARATHON_USER": "u", "MARATHON_PASSWORD": "p", "MARATHON_TOKEN": "t"},
            "not both",
        ),
    ],
)
def test_wrong_settings_are_named(variables: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        settings(**variables)
    assert "ops:pw" not in str(caught.value)


def test_missing_settings_are_named_all_at_once() -> None:
    with pytest.raises(SettingsError, match=r"RELAY_MARATHON.*RELAY_URL.*RELAY_TOKEN.*--relay-env"):
        read([], {})


@pytest.mark.parametrize(
    ("text", "told"),
    [("RELAY_TOKN=x", "line 1: there is no setting RELAY_TOKN"), ("x", "line 1: write NAME=value")],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "relay.env"
    file.write_text(text)
    with pytest.raises(SettingsError, match=told):
        settings("--env-file", str(file))
    with pytest.raises(SettingsError, match="can't be read: No such file"):
        settings("--env-file", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "password",
    [
        '"x"',
        "'x'",
        "a b",
        " x ",
        'quo"te',
        "back\\slash",
        '\\"',
        "#no comment",
        "$HOME",
        "grüße",
        "x",
    ],
)
def test_a_password_comes_back_from_the_file_as_it_was_written(
    tmp_path: Path, password: str
) -> None:
    file = tmp_path / "relay.env"
    login = Login("ops", password)
    relay_env.write(file, Marathon("http://m.example:8080", login), "https://a", TOKEN, None)
    assert read(["--env-file", str(file)], {}).login == login


def test_a_password_that_no_file_can_hold_is_refused(tmp_path: Path) -> None:
    marathon = Marathon("http://m.example:8080", Login("ops", "two\nlines"))
    with pytest.raises(Failure, match="MARATHON_PASSWORD holds a line break"):
        relay_env.write(tmp_path / "relay.env", marathon, "https://a", TOKEN, None)


def test_the_file_of_a_token_is_read_anew_at_each_login(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    login = settings(MARATHON_TOKEN_FILE=str(file)).login
    assert login.header == {"Authorization": "token=first"}
    file.write_text("second\n")
    assert login.header == {"Authorization": "token=second"}
    file.unlink()
    assert login.header == {}


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings("--help")
    shown = capsys.readouterr().out
    assert "examples:\n  relay.py --env-file relay.env\n" in shown


def test_the_token_has_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings("--token", TOKEN)
    capsys.readouterr()
