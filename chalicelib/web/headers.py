"""The headers that every answer has."""

SECURITY: dict[str, str | list[str]] = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# An answer in JSON is no page: nothing in it may be shown as one, or load anything.
JSON: dict[str, str | list[str]] = {
    **SECURITY,
    "Content-Type": "application/json",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

# The page: its own files and its own API, no inline script, no eval, no other origin.
PAGE: dict[str, str | list[str]] = {
    **SECURITY,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
