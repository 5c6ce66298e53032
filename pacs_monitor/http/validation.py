"""What we are about to send: what cannot be sent is our own configuration's fault, and is never tried on a node."""

from __future__ import annotations

import re
from collections.abc import Mapping

import requests
from urllib3.exceptions import LocationValueError

from pacs_monitor.fields import UNPRINTABLE
from pacs_monitor.patterns import HEADER_NAME, HEADER_VALUE

_SCHEMES = ("http://", "https://")


def is_valid_url(url: str) -> bool:
    """Whether a URL is one of the web, with a host that a request can be made to."""
    if not url.lower().startswith(_SCHEMES) or UNPRINTABLE.search(url):
        return False
    try:
        requests.Request("GET", url).prepare()
    except (requests.RequestException, LocationValueError, ValueError):
        return False
    return True


def unusable_header(headers: Mapping[str, str]) -> str | None:
    """The first header that cannot be sent (RFC 9110 5.1, 5.5), by its name; None when all can."""
    for name, value in headers.items():
        if not re.fullmatch(HEADER_NAME, name):
            return ascii(name)
        if not re.fullmatch(HEADER_VALUE, value):
            return name
    return None
