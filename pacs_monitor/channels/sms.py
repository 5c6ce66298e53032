"""SMS, through a box or gateway with an HTTP interface; a reply with the code of a page acknowledges it.

```yaml
duty-phone:
  type: sms
  url: "https://sms.example.org/api/v2/messages/sms"
  to: "+49 170 1234567"
  person: it-duty
  headers: {access-token: "${SMS_TOKEN:-choose-one}"}
  body: '{"to": [{{ number | tojson }}], "text": {{ text | tojson }}}'
  accepts: '"status":\\s*"queued"'
```

One phone per channel, so that one that fails holds up no other. What the box wants to hear is written as `parameters`
(a form, or with `method: GET` the query) or as a JSON `body`, both templates (Jinja2) that see `number` (as `+49…`),
`text`, `unicode` (whether the text is UCS-2) and `id` (the same on every retry).
[Recipes](../recipes.md#sms-boxes-and-gateways) for SMSEagle, MultiTech, Twilio and others.

Many boxes answer 200 and an error in words: `accepts` is a pattern (a regular expression) that the answer must contain,
else the page is tried again like one that is refused. Without it any 2xx is delivered, which means that the box has
taken it; whether a phone rings only the phone knows.

The text says in at most `segments` SMS what is broken, where, since when and why, then for whom, whom to call and
what to do first, as far as there is room; a phone number is in it whole or not at all. It has no link.

It is counted by 3GPP TS 23.038: 160 characters in the GSM
alphabet, of which `^{}[]~\\|€` take two, 153 in each of several; typography and accents that the alphabet lacks are
spelled plainly, pictures left out. Only a node whose name cannot be spelled so (Cyrillic, Chinese) makes it UCS-2, with
70 characters, or 67 in each.

With `replies`, a page ends with a code of five digits; an SMS with that code from this number acknowledges its incident
([replies](../operations.md#replies-by-sms)).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema, field_validator, model_validator

from pacs_monitor.channels.shared.accounts import AccountSettings
from pacs_monitor.channels.shared.disclosure import Disclose, disclosed
from pacs_monitor.channels.shared.gsm7 import is_gsm7
from pacs_monitor.channels.shared.http import HttpSender, Receiver
from pacs_monitor.channels.shared.redaction import SHORTEST_PIECE, Redaction
from pacs_monitor.channels.shared.rendering import unsendable
from pacs_monitor.channels.shared.short import Form, short
from pacs_monitor.channels.shared.templates import QUOTED, check_json, filled, template_over
from pacs_monitor.fields import UNPRINTABLE, RegularExpression, Settings, secret
from pacs_monitor.model import Notification, ReplyFields

NUMBER = r"\+[1-9][0-9 ()./-]{5,24}"
"""E.164 with its plus; blanks and the like between the digits."""
_FORM = "application/x-www-form-urlencoded"
_SAMPLE = {"number": "+491701234567", "text": "TEST", "unicode": False, "id": "01JD0000000000000000000000"}


def _number(number: SecretStr) -> SecretStr:
    text = number.get_secret_value().strip()
    digits = _digits(text)
    if not re.fullmatch(NUMBER, text) or not 7 <= len(digits) <= 15:
        raise ValueError("write the number with + and the country, such as +49 170 1234567 (E.164)")
    return SecretStr(f"+{digits}")


def _secret_template(value: SecretStr) -> SecretStr:
    _check_template(value.get_secret_value())
    return value


def _digits(text: str) -> str:
    return "".join(c for c in text if c in "0123456789")


def _json(text: str) -> str:
    _check_template(text)
    check_json(text, _SAMPLE, {**_SAMPLE, "text": QUOTED})
    return text


_check_template = template_over(_SAMPLE)
PhoneNumber = Annotated[SecretStr, AfterValidator(_number), WithJsonSchema(secret(NUMBER))]
"""A phone's number; personal, so it is kept like a secret."""
SecretTemplate = Annotated[SecretStr, AfterValidator(_secret_template)]


class Replies(Settings):
    """How the box forwards what it receives to `POST /api/v1/replies`."""

    from_: str = Field("from", alias="from", min_length=1)
    """The field with the sender's number; `a.b` within an object."""
    text: str = Field("text", min_length=1)
    """The field with what was written."""
    country: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")] | None = None
    """Country calling code, such as 49, of numbers that the box writes without it (0170 1234567)."""
    always_200: bool = False
    """Answer refused replies with 200, too, for boxes that repeat whatever is not answered so; the audit log has them
    as refused all the same."""


class SmsSettings(AccountSettings):
    url: Receiver
    """Where the box takes messages; a secret, or url_file."""
    to: PhoneNumber
    """The phone's number, with + and country; kept like a secret."""
    person: Annotated[str, Field(max_length=80)] = ""
    """Whose phone it is: who acknowledges with a reply; by default the channel's name."""
    method: Literal["POST", "GET"] = "POST"
    """HTTP method."""
    parameters: Mapping[str, SecretTemplate] = {}
    """Parameters of the request, as templates: a form, or the query of a GET."""
    body: Annotated[str, AfterValidator(_json)] = ""
    """The JSON to send, as a template; instead of `parameters`."""
    accepts: RegularExpression = ""
    """Regular expression that the answer contains when the box has taken the message."""
    segments: Annotated[int, Field(ge=1, le=2)] = 2
    """How many SMS a page may take."""
    ascii_only: bool = False
    """Only ASCII (ä as ae), for boxes that cannot do more."""
    replies: Replies | None = None
    """Take replies: pages have a code, and the box forwards what it receives."""
    disclose: Disclose = "full"

    @field_validator("person")
    @classmethod
    def _is_a_name(cls, person: str) -> str:
        if UNPRINTABLE.search(person):
            raise ValueError("write a name on one line, without control characters")
        return person.strip()

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if bool(self.parameters) == bool(self.body):
            raise ValueError("set exactly one of 'parameters' and 'body'")
        if self.body and self.method == "GET":
            raise ValueError("set parameters instead of body: a GET has none")
        return self


class Sms:
    """Sends to one phone."""

    kind: ClassVar[str] = "sms"
    settings: ClassVar[type[SmsSettings]] = SmsSettings
    owns_escalation: ClassVar[bool] = False
    takes_answers: ClassVar[bool] = False

    def __init__(self, name: str, settings: SmsSettings) -> None:
        self.name = name
        self.person = settings.person or name
        self._settings = settings
        self._url, self._number = settings.url.get_secret_value(), settings.to.get_secret_value()
        self._fixed = settings.fixed()
        self._accepts = re.compile(settings.accepts) if settings.accepts else None
        self._parameters = {name: value.get_secret_value() for name, value in settings.parameters.items()}
        own = [self._number, _digits(self._number), *_literals(self._parameters.values())]
        self._sender = HttpSender(settings, Redaction([self._url], [*settings.secrets(), *own]))

    @property
    def replies(self) -> ReplyFields | None:
        """How replies come in; None where none are taken."""
        taken = self._settings.replies
        return None if taken is None else ReplyFields(taken.from_, taken.text, taken.always_200)

    def is_from(self, sender: str) -> bool:
        """Whether a sender's number, as the box writes it, is that of this phone."""
        country = self._settings.replies.country if self._settings.replies else None
        return hmac.compare_digest(_international(sender, country or ""), _digits(self._number))

    def deliver(self, notification: Notification, timeout: float) -> str:
        """Send one SMS; what the box said, or DeliveryError."""
        form = Form(self._settings.segments, self._settings.ascii_only)
        data = disclosed(notification, self._settings.disclose)
        text = short(notification, {**data, "code": notification.data.get("code")}, form)
        known = {"number": self._number, "text": text, "unicode": not is_gsm7(text), "id": notification.id}
        try:
            url, headers, body = self._request(known)
        except ValueError as error:
            raise unsendable(f"{error}") from None
        return self._sender.send(
            url,
            body,
            timeout,
            headers={**headers, **self._fixed},
            method=self._settings.method,
            accepts=self._accepts,
            hidden=str(notification.data.get("code") or ""),
        )

    def _request(self, known: Mapping[str, object]) -> tuple[str, dict[str, str], bytes]:
        """Address, headers and body."""
        if self._settings.body:
            return self._url, {}, filled(self._settings.body, known).encode()
        encoded = urlencode({name: filled(text, known) for name, text in self._parameters.items()}, quote_via=quote)
        if self._settings.method == "GET":
            return f"{self._url}{'&' if '?' in self._url else '?'}{encoded}", {"Content-Type": _FORM}, b""
        return self._url, {"Content-Type": _FORM}, encoded.encode()


def _literals(templates: Iterable[str]) -> list[str]:
    """What stands in parameters as it is: an account, a password."""
    return [text for text in templates if "{" not in text and len(text) >= SHORTEST_PIECE]


def _international(sender: str, country: str) -> str:
    """The digits of a number with its country: `+49 170…`, `0049170…`, `49170…`, `0170…`."""
    digits, text = _digits(sender), sender.strip()
    if text.startswith("+") or not digits:
        return digits
    if digits.startswith("00"):
        return digits[2:]
    if country and digits.startswith("0"):
        return country + digits[1:]
    return digits
