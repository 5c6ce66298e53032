"""Does a web page or an API answer correctly? Status, content, redirects, and how long its certificate is valid.

```yaml
viewer: {probe: http, url: "https://viewer.example.org", path: /login, contains: "Sign in", slow: 3s}
```

At most `redirects` redirects are followed; the account is sent only to the host of `url`, and never from https to http.
The content is neither shown nor kept. The account needs permission to see the page and nothing else.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urljoin, urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from pacs_monitor import http
from pacs_monitor.fields import Duration, Headers, RegularExpression, Size, Texts
from pacs_monitor.http import SIZE_LIMIT, HttpSettings, Response
from pacs_monitor.language import N_
from pacs_monitor.model import Address, Layer, Measure, Node, Outcome, Phase, Probe, ProbeContext, Reason
from pacs_monitor.net import EXPIRY, NetFailure, Trace, warn_before_expiry
from pacs_monitor.patterns import one_or_more, text

_STATUS = "[1-5](?:[0-9][0-9]|xx)"
_REDIRECTS = (301, 302, 303, 307, 308)
_ELSEWHERE = "it redirects to another host, which could not be reached"
"""The host is the peer's word, and may hold a secret."""


def _check_status(value: tuple[str, ...]) -> tuple[str, ...]:
    for status in value:
        if not re.fullmatch(_STATUS, status):
            raise ValueError(f"{status!r} is not an HTTP status; write 200, or 2xx for all that begin with 2")
    return value


class HttpProbeSettings(HttpSettings):
    path: Annotated[str, Field(pattern=r"^(/[^\s\x00-\x1f\x7f]*)?$")] = ""
    """The path to request, appended to `url` unchanged; it may have a query."""
    method: Annotated[str, Field(pattern="^(GET|HEAD)$")] = "GET"
    """`GET` or `HEAD`; methods that could change something are not allowed."""
    headers: Headers = Field(default_factory=dict)
    """Additional headers to send."""
    status: Annotated[Texts, AfterValidator(_check_status), WithJsonSchema(one_or_more(text(_STATUS)))] = ("2xx",)
    """Acceptable statuses: `200`, `2xx`; `401` for a page that requires an account."""
    contains: str = ""
    """A text that the answer must contain (UTF-8)."""
    matches: RegularExpression = ""
    """A regular expression that must match somewhere in the answer."""
    lacks: str = ""
    """A text that the answer must not contain, such as the wording of an error page that comes with status 200."""
    redirects: Annotated[int, Field(ge=0, le=10)] = 5
    """How many redirects to follow; with 0, a redirect is judged like any other answer."""
    size_limit: Size = SIZE_LIMIT
    """An answer larger than this is a failure (reason `bad_content`)."""
    slow: Duration | None = None
    """An answer that takes longer than this, redirects included, is a warning (reason `slow`)."""
    certificate: Duration = 21 * 86400.0
    """A certificate that expires sooner than this is a warning (reason `certificate_expiring`)."""


class Http(Probe):
    kind = "http"
    settings = HttpProbeSettings
    measures = (
        Measure("http_status", "The status of the last answer (RFC 9110 15)."),
        Measure("http_answer_bytes", "The length of the last answer's body."),
        EXPIRY,
    )
    layer = Layer.SERVICE
    next_steps = {
        Reason.BAD_CONTENT: N_(
            "Open the page in a browser: is it an error page with status 200, or did its wording change in an upgrade?"
        ),
    }

    async def run(self, _node: Node, settings: HttpProbeSettings, ctx: ProbeContext) -> Outcome:
        trace = Trace()
        try:
            answer = await _follow(settings, ctx, trace)
            trace.measure("http_status", answer.status)
            trace.measure("http_answer_bytes", len(answer.body))
            _judge(answer, settings, trace)
        except NetFailure as failure:
            return failure.outcome()
        return warn_before_expiry(trace.outcome(settings.slow), settings.certificate, ctx.clock.now())


async def _follow(settings: HttpProbeSettings, ctx: ProbeContext, trace: Trace) -> Response:
    """The first answer that is no redirect, or the one after the last that may be followed."""
    home = url = settings.url + settings.path
    for left in range(settings.redirects, -1, -1):
        ours = _origin(url) == _origin(home)
        try:
            answer = await http.request(
                settings.method,
                url,
                ctx,
                trace,
                access=settings.access() if ours else settings.access().elsewhere(),
                headers={name: value.get_secret_value() for name, value in settings.headers.items()} if ours else None,
                size_limit=settings.size_limit,
            )
        except NetFailure as failure:
            if ours:
                raise
            raise trace.failure(failure.reason, f"{_ELSEWHERE} ({failure.reason}, phase {failure.phase})") from None
        to = answer.headers.get("Location")
        if answer.status not in _REDIRECTS or not to or not left:
            return answer
        url = _next(url, to, trace)
    raise AssertionError("the last round returns")


def _next(url: str, to: str, trace: Trace) -> str:
    try:
        found = urljoin(url, to)
        parts = urlsplit(found)
        fine = http.is_valid_url(found) and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        fine = False
    if not fine:
        raise trace.failure(Reason.BAD_CONTENT, "it redirects to something that is not a web address")
    if url.startswith("https:") and found.startswith("http:"):
        raise trace.failure(Reason.BAD_CONTENT, "it redirects from https to http")
    return found


def _origin(url: str) -> tuple[str, Address]:
    return urlsplit(url).scheme, http.address_of(url)


def _judge(answer: Response, settings: HttpProbeSettings, trace: Trace) -> None:
    """Raises NetFailure unless the answer is as it should be; repeats nothing of it."""
    status = str(answer.status)
    if not any(status == wanted or (wanted.endswith("xx") and status[0] == wanted[0]) for wanted in settings.status):
        http.expect(answer, f"the {settings.method}")
    text = answer.body.decode(errors="replace")
    if settings.contains not in text:
        raise _content(trace, f"the page does not contain {settings.contains!r}")
    if settings.matches and not re.search(settings.matches, text):
        raise _content(trace, f"the page does not match {settings.matches!r}")
    if settings.lacks and settings.lacks in text:
        raise _content(trace, f"the page contains {settings.lacks!r}")


def _content(trace: Trace, what: str) -> NetFailure:
    trace.phase = Phase.OPERATION
    return trace.failure(Reason.BAD_CONTENT, f"the answer arrived, but {what}")
