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
