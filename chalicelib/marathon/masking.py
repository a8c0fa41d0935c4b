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

# In more strings or values than these nobody looks for secrets: they are masked whole.
_MOST_STRINGS = 50_000
_MOST_VALUES = 20_000

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# What a string with a secret in it has.
_HINT = re.compile(r'[@=]|\\["u]')

# A login ends at the last @ before the path. A password may hold any character, so where the colon
# after the user begins no port, the login may end later.
_AUTHORITY = rf"(?:[^/?#\s\\@]|\\(?!/|u002[fF]|u003[fF]|u0040))*+{AT}"
_PORT = r"\d{1,5}(?=[\\/?#\s]|\Z)"
_PASSWORD = rf"(?:[^\s\\@:]|:(?!{SLASH}{{2}})|\\(?!u0040))*+{AT}"
_PATH = rf"(?:[^?#\s\\@:]|:(?!{SLASH}{{2}})|\\(?!u0040|u003[fF]))*+{AT}"
_LOGIN = re.compile(
    rf"(:{SLASH}{{2}})(?:[^/?#\s\\@:\[]*+:(?!{_PORT}){_PASSWORD}(?:{_PATH})*+|(?:{_AUTHORITY})++)"
)

# Parameters that sign a URL, or that give access to anybody who has it. Short names count in URLs
# alone.
_PARAMETER = re.compile(
    r"((?:(?<![\w.-])[\w.-]*(?:signature|credential|token|secret|passw(?:or)?d|passphrase|pwd|"
    r"access-?(?:key-?)?id|api[_-]?key|access[_-]?key|key-pair-id)|"
    r"[?&;#](?:[\w.-]*[_.-])?(?:sig|auth|key|pass|pw|code|jwt|session))=)"
    r"(?:[^&#\s\"'<>\\]|\\(?![\"nrt]))++",
    re.IGNORECASE,
)

# A variable of a docker command, as Mesos shows it: nothing is quoted, so a value with blanks goes
# on to the next variable, or to the next option if no punctuation comes first.
_NEXT = r"[\s'\"]-(?:e[\s=A-Z]|-env[\s=])"
_OPTION = r"\s-(?:-[a-z]|[a-z]\s)"
_VARIABLE = re.compile(
    r"((?<![^\s'\"])(?:-e(?:\s++|=|(?=[A-Z]))|--env(?:\s++|=))(?P<quote>\\?[\"'])?[A-Za-z_][\w.-]*+=)"
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
_SECRET_KEY = re.compile(rf'(?<!\\)"(?:{_ANY_KEY})"\s*+:\s*+')
_TEXT_KEY = re.compile(rf'(?P<depth>\\*+)"(?:{_ANY_KEY})\\*+"\s*+:\s*+')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# A parameter of docker that sets a variable.
_IS_ENV = rf'"{_key("key")}"\s*+:\s*+"{_key("env")}"'
_VALUE = rf'"{_key("value")}"\s*+:\s*+'
_SOME_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_ENV_PARAMETER = re.compile(
    rf"((?<!\\){_IS_ENV}\s*+,\s*+{_VALUE}){_SOME_STRING}"
    rf"|((?<!\\){_VALUE}){_SOME_STRING}(\s*+,\s*+{_IS_ENV})",
    re.DOTALL,
)
# Only keys are checked, so numbers may stay text of any length.
_VALUES = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)


def mask_json(text: str) -> str:
    """JSON text as it may be sent on. ``***`` replaces each value inside ``env``, ``environment``,
    ``secrets`` and ``credential``, at any depth, that of each docker parameter ``env``, and in any
    string what ``mask_text`` masks. The rest stays the same letter for letter. Raises
    RecursionError if such a value is nested too deep for Python.
    """
    kept: list[str] = []
    end = 0
    while found := _SECRET_KEY.search(text, end):
        kept.append(text[end : found.end()])
        value, end = _VALUES.raw_decode(text, found.end())
        kept.append(_masked(value))
    return _mask_strings(_mask_parameters("".join([*kept, text[end:]])))


def mask_text(text: str) -> str:
    """Text that is not JSON, as it may be sent on: without logins and signatures in URLs, passwords
    and variables in commands, and what ``mask_json`` masks, where JSON stands in the text. If the
    end of a value in such JSON can't be found, the text is cut there.
    """
    if '"' in text:
        text = _mask_parameters(_mask_values(text))
    if "@" in text or "\\u0040" in text:
        text = _LOGIN.sub(rf"\1{MASK}@", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\1{MASK}", _VARIABLE.sub(rf"\1{MASK}", text))
    return text


def _mask_strings(text: str) -> str:
    left = iter(range(_MOST_STRINGS))

    def masked(found: re.Match[str]) -> str:
        string = found[0]
        if not _HINT.search(string):
            return string
        if next(left, None) is None:
            return f'"{MASK}"'
        if "\\" not in string:
            return f'"{mask_text(string[1:-1])}"'
        plain = json.loads(string, strict=False)
        without = mask_text(plain)
        return string if without == plain else json.dumps(without)

    return _STRING.sub(masked, text) if _HINT.search(text) else text


def _mask_values(text: str) -> str:
    """The text without the secret values of JSON in it, also of JSON within strings of JSON."""
    kept: list[str] = []
    end = 0
    for _ in range(_MOST_VALUES):
        found = _TEXT_KEY.search(text, end)
        if found is None:
            return "".join([*kept, text[end:]])
        kept.append(text[end : found.end()])
        end = found.end()
        if found["depth"]:
            text, end = _ESCAPED.sub(r"\1", text[end:]), 0
        try:
            value, end = _VALUES.raw_decode(text, end)
        except (ValueError, RecursionError):
            break
        kept.append(_masked(value))
    return "".join([*kept, MASK])


def _mask_parameters(text: str) -> str:
    return _ENV_PARAMETER.sub(rf'\1\2"{MASK}"\3', text)


def _masked(value: Any) -> str:
    """The JSON of a value of which only the names may be told."""
    if isinstance(value, dict):
        return json.dumps(dict.fromkeys(value, MASK))
    return f'"{MASK}"' if value else json.dumps(value)
