"""What must not leave the table: one masking for every text that is shown, sent or logged. Mask
before anything is cut, since half a secret is not recognised. Every pattern takes linear time, and
what is too much to look through is masked whole, since texts may be hostile.
"""

import json
import re
from typing import Any

MASK = "***"

# JSON may write each character as an escape.
SLASH = r"(?:/|\\/|\\u002[fF])"
AT = r"(?:@|\\u0040)"

# No event of Marathon has more secrets than this, nor more strings that may hold one.
_MOST = 50_000

# A string that may hold a secret, and what stands before it: a string without one of these
# characters holds none.
_SUSPECT = re.compile(
    r'((?:[^"]++|"(?:[^"\\@=]++|\\[^"u])*+")*+)(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|\Z)', re.DOTALL
)

# A login ends at the last @ before the path. A password may hold any character, so where the colon
# after the user begins no port, the login may end later.
_AUTHORITY = rf"(?:[^/?#\s\\@]|\\(?!/|u002[fF]|u003[fF]|u0040))*+{AT}"
_PORT = r"\d{1,5}(?=[\\/?#\s]|\Z)"
_PASSWORD = rf"(?:[^\s\\@:]|:(?!{SLASH}{{2}})|\\(?!u0040))*+{AT}"
_PATH = rf"(?:[^?#\s\\@:]|:(?!{SLASH}{{2}})|\\(?!u0040|u003[fF]))*+{AT}"
_LOGIN = re.compile(
    rf"(:{SLASH}{{2}})(?:[^/?#\s\\@:\[]*+:(?!{_PORT}){_PASSWORD}(?:{_PATH})*+|(?:{_AUTHORITY})++)"
)

# Names of what signs a URL, or gives access to anybody who has it; the short ones in URLs alone.
_NAMES = (
    *("signature", "credential", "token", "secret", "password", "passwd", "passphrase", "pwd"),
    *("accesskeyid", "access-key-id", "accessid", "key-pair-id", "subscription-key"),
    *("apikey", "api-key", "api_key", "accesskey", "access-key", "access_key"),
    *(f"[?&;#]{name}" for name in ("sig", "auth", "key", "pass", "pw", "code", "jwt", "session")),
)
_PARAMETER = re.compile(
    f"=(?:{'|'.join(f'(?<={name}=)' for name in _NAMES)})"
    r"(?:[^&#\s\"'<>\\]|\\(?![\"nrt]))++",
    re.IGNORECASE,
)

# A variable of a docker command, as Mesos shows it: nothing is quoted, so a value with blanks goes
# on to the next variable, or to the next option if no punctuation comes first.
_NEXT = r"[\s'\"]-(?:e[\s=A-Z]|-env[\s=])"
_OPTION = r"\s-(?:-[a-z]|[a-z]\s)"
_VARIABLE = re.compile(
    r"(-(?<![^\s'\"]-)(?:e(?:\s++|=|(?=[A-Z]))|-env(?:\s++|=))(?P<quote>\\?[\"'])?[A-Za-z_][\w.-]*+=)"
    r"(?:\\?\"(?:[^\"\\]|\\.)*+(?:\"|\\?\Z)|\\?'[^']*+(?:'|\Z)|"
    rf"(?:(?!{_NEXT})[^\n])*+(?={_NEXT})|(?:(?!{_OPTION})[^\n'\";:])*+(?={_OPTION})|"
    r"(?(quote)[^\"'\\]*+|\S*?(?=['\"]?[:;,.)]?(?:\s|\Z))))",
    re.DOTALL,
)


def _key(name: str) -> str:
    """A pattern that matches a key letter by letter, in upper or lower case, also written as
    escapes.
    """
    return "".join(
        rf"(?:{c}|{c.upper()}|\\u00{ord(c):x}|\\u00{ord(c):X}|\\u00{ord(c.upper()):x}"
        rf"|\\u00{ord(c.upper()):X})"
        for c in name
    )


# Pods call their environment by its full name. A credential is that of a registry.
SECRET_KEYS = ("env", "environment", "secrets", "credential", "credentials")
_ANY_KEY = "|".join(map(_key, SECRET_KEYS))
# In valid JSON no string follows a backslash, so this finds keys and nothing else.
_SECRET_KEY = re.compile(rf'"(?<!\\")(?:{_ANY_KEY})"\s*+:\s*+')
_TEXT_KEY = re.compile(rf'"(?:{_ANY_KEY})(?P<depth>\\*+)"\s*+:\s*+')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# A parameter of docker that sets a variable.
_IS_ENV = rf'{_key("key")}"\s*+:\s*+"{_key("env")}"'
_VALUE = rf'{_key("value")}"\s*+:\s*+'
_SOME_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_ENV_PARAMETER = re.compile(
    rf'("(?<!\\")(?:{_IS_ENV}\s*+,\s*+"{_VALUE}|{_VALUE}(?={_SOME_STRING}\s*+,\s*+"{_IS_ENV})))'
    rf"{_SOME_STRING}",
    re.DOTALL,
)
# Only keys are checked, so numbers may stay text of any length.
_VALUES = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)


class _TooMuch(Exception):
    """There is more to mask than an event of Marathon ever has."""


def mask_json(text: str) -> str:
    """JSON text as it may be sent on. ``***`` replaces each value inside ``env``, ``environment``,
    ``secrets`` and ``credential``, at any depth, that of each docker parameter ``env``, and in any
    string what ``mask_text`` masks. The rest stays the same letter for letter. Raises
    RecursionError if such a value is nested too deep for Python.
    """
    try:
        return _mask_strings(_mask_parameters(_mask_values(text)))
    except _TooMuch:
        return f'"{MASK}"'


def mask_text(text: str) -> str:
    """Text that is not JSON, as it may be sent on: without logins and signatures in URLs, passwords
    and variables in commands, and what ``mask_json`` masks, where JSON stands in the text. If the
    end of a value in such JSON can't be found, the text is cut there.
    """
    if text.count("=") + text.count("@") + text.count("\\u0040") > _MOST:
        return MASK
    if '"' in text:
        text = _mask_parameters(_mask_values_in_text(text))
    if "@" in text or "\\u0040" in text:
        text = _LOGIN.sub(rf"\1{MASK}@", text)
    if "=" in text:
        text = _PARAMETER.sub(f"={MASK}", _VARIABLE.sub(rf"\1{MASK}", text))
    return text


def _mask_values(text: str) -> str:
    kept: list[str] = []
    end = 0
    while found := _SECRET_KEY.search(text, end):
        kept.append(text[end : found.end()])
        value, end = _VALUES.raw_decode(text, found.end())
        kept.append(_masked(value))
        if len(kept) > 2 * _MOST:
            raise _TooMuch
    return "".join([*kept, text[end:]])


def _mask_values_in_text(text: str) -> str:
    """The text without the secret values of JSON in it, also of JSON within strings of JSON."""
    kept: list[str] = []
    end = 0
    while len(kept) < 2 * _MOST and (found := _TEXT_KEY.search(text, end)):
        kept.append(text[end : found.end()])
        end = found.end()
        if found["depth"]:
            text, end = _ESCAPED.sub(r"\1", text[end:]), 0
        try:
            value, end = _VALUES.raw_decode(text, end)
        except (ValueError, RecursionError):
            return "".join([*kept, MASK])
        kept.append(_masked(value))
    return "".join([*kept, text[end:] if len(kept) < 2 * _MOST else MASK])


def _mask_parameters(text: str) -> str:
    return _ENV_PARAMETER.sub(rf'\1"{MASK}"', text)


def _mask_strings(text: str) -> str:
    left = iter(range(_MOST))

    def masked(found: re.Match[str]) -> str:
        before, string = found.groups()
        if string is None:  # the end
            return before
        if next(left, None) is None:
            raise _TooMuch
        if "\\" not in string:
            return f'{before}"{mask_text(string)}"'
        plain = json.loads(f'"{string}"', strict=False)
        without = mask_text(plain)
        return found[0] if without == plain else before + json.dumps(without)

    return _SUSPECT.sub(masked, text)


def _masked(value: Any) -> str:
    """The JSON of a value that may show only its names."""
    if isinstance(value, dict):
        return json.dumps(dict.fromkeys(value, MASK))
    return f'"{MASK}"' if value else json.dumps(value)
