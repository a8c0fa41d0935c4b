"""Whose certificates are trusted, and which one is shown."""

import functools
import ssl

import httpx


@functools.cache
def trust(
    ca: str | None = None, certificate: tuple[str, str | None] | None = None
) -> ssl.SSLContext:
    """``ca``: the file with the CA certificate, where it is none of the usual. ``certificate``: the
    files of a client certificate and of its key. Reading certificates takes 30 ms of CPU, so a
    process does it once, and not for each client. Raises OSError.
    """
    if not (ca or certificate):
        return httpx.create_ssl_context()
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(*certificate)
    return context
