"""Does a web page or an API answer as it should? Status, content, redirects, and how long its certificate lasts.

```yaml
viewer: {probe: http, url: "https://viewer.example.org", path: /login, contains: "Sign in", slow: 3s}
```

Redirects are followed up to `redirects` times; the account goes to the host of `url` alone, and never from https to
http. Nothing of what is read is shown or kept. The least account is one that may see the page, and nothing behind it.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar
from urllib.parse import urljoin, urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from pacs_monitor import http
from pacs_monitor.fields import Duration, Headers, Size, Texts
from pacs_monitor.http import SIZE_LIMIT, Answer, HttpSettings
from pacs_monitor.model import Address, Layer, Measure, Node, Outcome, Phase, ProbeContext, Reason, Rhythm
from pacs_monitor.net import EXPIRY, NetFailure, Passage, mind_expiry
from pacs_monitor.patterns import one_or_more, text

_STATUS = "[1-5](?:[0-9][0-9]|xx)"
_REDIRECTS = (301, 302, 303, 307, 308)
_ELSEWHERE = "it redirects to another host, and that one could not be asked"
"""The host is the peer's word, and may hold a secret."""


def _check_status(value: tuple[str, ...]) -> tuple[str, ...]:
    for status in value:
        if not re.fullmatch(_STATUS, status):
            raise ValueError(f"{status!r} is no HTTP status; write 200, or 2xx for all that begin with 2")
    return value


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error.msg}") from None
    return value


class HttpProbeSettings(HttpSettings):
    path: Annotated[str, Field(pattern=r"^(/[^\s\x00-\x1f\x7f]*)?$")] = ""
    """What to ask for, put behind `url` as it stands; it may have a query."""
    method: Annotated[str, Field(pattern="^(GET|HEAD)$")] = "GET"
    """`GET` or `HEAD`: nothing that changes anything."""
    headers: Headers = Field(default_factory=dict)
    """More headers to send."""
    status: Annotated[Texts, AfterValidator(_check_status), WithJsonSchema(one_or_more(text(_STATUS)))] = ("2xx",)
    """The statuses that are well: `200`, `2xx`; `401` proves a login page that wants an account."""
    contains: str = ""
    """A text that must stand in the answer (UTF-8)."""
    matches: Annotated[str, AfterValidator(_check_pattern)] = ""
    """A regular expression that must match somewhere in the answer."""
    lacks: str = ""
    """A text that must not stand in the answer, such as the words of an error page that comes with status 200."""
    redirects: Annotated[int, Field(ge=0, le=10)] = 5
    """How many redirects to follow; with 0, a redirect is an answer like any other."""
    size_limit: Size = SIZE_LIMIT
    """A longer answer is `bad_content`."""
    slow: Duration | None = None
    """An answer that takes longer, redirects counted in, is a warning (reason `slow`)."""
    certificate: Duration = 21 * 86400.0
    """A certificate that ends sooner is a warning (reason `certificate_expiring`)."""


class Http:
    kind: ClassVar[str] = "http"
    settings: ClassVar[type[HttpProbeSettings]] = HttpProbeSettings
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("http_status", "The status of the last answer (RFC 9110 15)."),
        Measure("http_answer_bytes", "The length of the last answer's body."),
        EXPIRY,
    )
    layer: ClassVar[Layer] = Layer.SERVICE
    writes: ClassVar[bool] = False
    uses_association: ClassVar[bool] = False
    rhythm: ClassVar[Rhythm] = Rhythm()

    def addresses(self, _node: Node, _settings: HttpProbeSettings) -> tuple[Address, ...]:
        return ()

    async def run(self, _node: Node, settings: HttpProbeSettings, ctx: ProbeContext) -> Outcome:
        passage = Passage()
        try:
            answer = await _follow(settings, ctx, passage)
            passage.measure("http_status", answer.status)
            passage.measure("http_answer_bytes", len(answer.body))
            _judge(answer, settings, passage)
        except NetFailure as failure:
            return failure.outcome()
        return mind_expiry(passage.outcome(settings.slow), settings.certificate, ctx.clock.now())


async def _follow(settings: HttpProbeSettings, ctx: ProbeContext, passage: Passage) -> Answer:
    """The first answer that is no redirect, or the one after the last that may be followed."""
    home = url = settings.url + settings.path
    for left in range(settings.redirects, -1, -1):
        ours = _origin(url) == _origin(home)
        try:
            answer = await http.ask(
                settings.method,
                url,
                ctx,
                passage,
                access=settings.access() if ours else settings.access().elsewhere(),
                headers={name: value.get_secret_value() for name, value in settings.headers.items()} if ours else None,
                size_limit=settings.size_limit,
            )
        except NetFailure as failure:
            if ours:
                raise
            raise passage.failure(failure.reason, f"{_ELSEWHERE} ({failure.reason}, phase {failure.phase})") from None
        to = answer.headers.get("Location")
        if answer.status not in _REDIRECTS or not to or not left:
            return answer
        url = _next(url, to, passage)
    raise AssertionError("the last round returns")


def _next(url: str, to: str, passage: Passage) -> str:
    try:
        found = urljoin(url, to)
        parts = urlsplit(found)
        fine = http.is_askable(found) and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        fine = False
    if not fine:
        raise passage.failure(Reason.BAD_CONTENT, "it redirects to something that is no web address")
    if url.startswith("https:") and found.startswith("http:"):
        raise passage.failure(Reason.BAD_CONTENT, "it redirects from https to http")
    return found


def _origin(url: str) -> tuple[str, Address]:
    return urlsplit(url).scheme, http.address_of(url)


def _judge(answer: Answer, settings: HttpProbeSettings, passage: Passage) -> None:
    """Raises NetFailure unless the answer is as it should be; repeats nothing of it."""
    status = str(answer.status)
    if not any(status == wanted or (wanted.endswith("xx") and status[0] == wanted[0]) for wanted in settings.status):
        http.expect(answer, f"the {settings.method}")
    text = answer.body.decode(errors="replace")
    if settings.contains not in text:
        raise _content(passage, f"{settings.contains!r} does not stand in it")
    if settings.matches and not re.search(settings.matches, text):
        raise _content(passage, f"{settings.matches!r} does not match in it")
    if settings.lacks and settings.lacks in text:
        raise _content(passage, f"{settings.lacks!r} stands in it")


def _content(passage: Passage, what: str) -> NetFailure:
    passage.phase = Phase.OPERATION
    return passage.failure(Reason.BAD_CONTENT, f"the answer came, but {what}")
