"""The page: the files that ``make page`` builds, as answers. They hold nothing of any event."""

import hashlib
import re
from pathlib import Path

from chalice.app import Response

from chalicelib.web.headers import JSON, PAGE

FOLDER = Path(__file__).with_name("page")

_INDEX = "index.html"
_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_HTML = "text/html; charset=utf-8"
_NAME = re.compile(r"app\.[A-Z0-9]+\.(js|css)")
_YEAR = "public, max-age=31536000, immutable"

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Marathon events</title>
<h1>The page is not built</h1>
<p>The API works. To have the page, too, run <code>make page</code> where it is deployed from, and
deploy again.</p></html>
"""


def index(path: str, known: str | None) -> Response:
    """The page. ``path``: of the request; ``known``: the ETag that the browser has."""
    if not path.endswith("/"):  # from there, the page would not find its files
        return _answer(308, "", {"Location": f"{path.rsplit('/', 1)[-1]}/"})
    try:
        text = (FOLDER / _INDEX).read_text()
    except FileNotFoundError:
        return _answer(404, _NOT_BUILT, {"Content-Type": _HTML, "Cache-Control": "no-store"})
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    headers = {"Content-Type": _HTML, "Cache-Control": "no-cache", "ETag": tag}
    # A proxy that compresses may have made the tag a weak one.
    same = tag in (known or "")
    return _answer(304 if same else 200, "" if same else text, headers)


def file(name: str) -> Response:
    """A file of the page. Its name holds a hash of what is in it, so it never changes."""
    found = _NAME.fullmatch(name)
    try:
        text = (FOLDER / name).read_text() if found else None
    except FileNotFoundError:
        text = None
    if found is None or text is None:
        error = {"code": "not_found", "message": "The page has no such file: load the page again."}
        return Response({"error": error}, status_code=404, headers=JSON)
    return _answer(200, text, {"Content-Type": _TYPES[found[1]], "Cache-Control": _YEAR})


def _answer(status: int, body: str, headers: dict[str, str]) -> Response:
    return Response(body, status_code=status, headers={**PAGE, **headers})
