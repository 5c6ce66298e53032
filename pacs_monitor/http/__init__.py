"""HTTP by `requests`, with what it leaves out: a total deadline, a size limit, reasons from the closed list.

The timeout of `requests` bounds each socket operation alone, so that a peer that trickles one byte a second holds its
caller for ever. Here a timer shuts the connection down when the whole exchange (connect, TLS, request, answer) has
taken its time. Nothing is tried twice.

`ask` is for probes: it resolves by the run's resolver, goes straight to the node or through the proxy that the check
names, trusts by `Tls`, and notes phases and the certificate's end. `send` alone is for everybody else: there proxies
and trust come from the environment (`HTTPS_PROXY`, `NO_PROXY`, `REQUESTS_CA_BUNDLE`) unless told. `.netrc` is not read.

Redirects are never followed, so that credentials go to no other host. Error texts name host and port at most: path,
query and user may be secrets.
"""

from pacs_monitor.http.access import NOBODY, Access, HttpSettings, basic
from pacs_monitor.http.answers import Answer, HttpError, expect, read_json
from pacs_monitor.http.asking import ask
from pacs_monitor.http.exchange import SIZE_LIMIT, address_of, send
from pacs_monitor.http.requested import is_askable

__all__ = [
    "NOBODY",
    "SIZE_LIMIT",
    "Access",
    "Answer",
    "HttpError",
    "HttpSettings",
    "address_of",
    "ask",
    "basic",
    "expect",
    "is_askable",
    "read_json",
    "send",
]
