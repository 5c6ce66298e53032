"""HTTP by `requests`, with what it leaves out: a total deadline, a size limit, reasons from the closed list.

The timeout of `requests` bounds each socket operation alone, so that a peer that trickles one byte a second holds its
caller for ever. Here a timer shuts the connection down when the whole exchange (connect, TLS, request, answer) has
taken its time. Nothing is tried twice.

`request` is for probes: it uses the run's resolver, goes straight to the node or through the proxy that the check
names, trusts by `Tls`, and notes phases and the certificate's end. `send` alone is for everybody else: there proxies
and trust come from the environment (`HTTPS_PROXY`, `NO_PROXY`, `REQUESTS_CA_BUNDLE`) unless set. `.netrc` is not read.

Redirects are never followed, so that credentials go to no other host. Error texts name host and port at most: path,
query and user may be secrets.
"""

from pacs_monitor.http.access import NOBODY, Access, HttpSettings, basic, is_proxy
from pacs_monitor.http.exchange import SIZE_LIMIT, address_of, send
from pacs_monitor.http.request import request
from pacs_monitor.http.response import HttpError, Response, expect, read_json
from pacs_monitor.http.validation import is_valid_url

__all__ = [
    "NOBODY",
    "SIZE_LIMIT",
    "Access",
    "HttpError",
    "HttpSettings",
    "Response",
    "address_of",
    "basic",
    "expect",
    "is_proxy",
    "is_valid_url",
    "read_json",
    "request",
    "send",
]
