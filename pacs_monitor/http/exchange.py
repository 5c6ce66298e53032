"""One exchange, from connect to the last byte of the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import requests
from requests.utils import get_auth_from_url
from urllib3.exceptions import HTTPError

from pacs_monitor.http.access import NOBODY, Access, basic
from pacs_monitor.http.connections import Adapter, Watch
from pacs_monitor.http.reasons import explain, of_cut
from pacs_monitor.http.response import HttpError, Response
from pacs_monitor.http.validation import unusable_header
from pacs_monitor.model import Address, Reason
from pacs_monitor.net import NetFailure, Trace

logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)
"""It writes whole URLs and what peers say into the log, also above debug; what matters of it is in HttpError."""

SIZE_LIMIT = 1 << 20
"""Bytes of an answer's body."""
_CHUNK = 8192
_UNFIT = "cannot be sent (RFC 9110 5.5); write its credentials on one line, in printable ASCII"


def send(
    method: str,
    url: str,
    *,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    size_limit: int = SIZE_LIMIT,
    whole: bool = True,
    access: Access = NOBODY,
    addresses: Sequence[Address] = (),
    trace: Trace | None = None,
) -> Response:
    """One exchange within `timeout` seconds in all; HttpError when there is no whole answer.

    With `addresses`, the target's or the proxy's, it goes to the first of them that answers. With these, with `tls` or
    with a proxy, the environment has no say. Unless it must be `whole`, status and headers are an answer, with what
    comes of a body that is too long or breaks off.
    """
    trace = trace or Trace()
    headers = {**(headers or {}), **_authorization(url, access)}
    if unfit := unusable_header(headers):
        raise HttpError(Reason.NOT_CONFIGURED, f"no request was sent: our header {unfit} {_UNFIT}", trace)
    watch, address = Watch(timeout, trace, addresses, by_proxy=bool(access.proxy)), address_of(url)
    try:
        with (
            watch.kept(),
            _session(watch, access, by_environment=not (addresses or access.tls or access.proxy)) as session,
            session.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False, stream=True
            ) as answer,
        ):
            if watch.cut:  # in the headers, whose end is missing
                raise TimeoutError
            read = _read(answer, size_limit) if whole else _beginning(answer, size_limit)
    except NetFailure as failure:
        trace.end()
        trace.phase = failure.phase
        raise HttpError(failure.reason, failure.detail, trace) from None
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        trace.end()
        found = explain(error, address, trace.phase, timeout, access.tls)
        raise HttpError(*(of_cut(address, trace.phase, timeout) if watch.cut else found), trace) from None
    trace.end()
    if watch.cut and whole:
        raise HttpError(*of_cut(address, trace.phase, timeout), trace)
    if read is None:
        raise HttpError(Reason.BAD_CONTENT, f"{address}: the answer is longer than {size_limit} bytes", trace)
    return Response(answer.status_code, answer.headers, read, trace)


def _read(answer: requests.Response, limit: int) -> bytes | None:
    """The body as it came, or None when it exceeds the limit."""
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _beginning(answer: requests.Response, limit: int) -> bytes:
    """What comes of the body, up to the limit."""
    body = bytearray()
    with suppress(requests.RequestException, HTTPError, OSError):
        for chunk in answer.iter_content(_CHUNK):
            body += chunk
            if len(body) >= limit:
                break
    return bytes(body[:limit])


def address_of(url: str) -> Address:
    """The host and port of a URL."""
    parts = urlsplit(url)
    return Address(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def _session(watch: Watch, access: Access, *, by_environment: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = by_environment
    session.proxies = dict.fromkeys(("http", "https"), access.proxy) if access.proxy else {}
    session.auth = _as_it_is
    adapter = Adapter(watch, access.tls)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _authorization(url: str, access: Access) -> Mapping[str, str]:
    user, password = get_auth_from_url(url)
    authorization = basic(user, password) if user else access.authorization
    return {"Authorization": authorization} if authorization else {}


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """In place of an account, so that `requests` looks neither into the URL nor into `.netrc` for one."""
    return request
