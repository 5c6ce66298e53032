"""The recipes for boxes and gateways, against fakes that answer as the makers document: they are not the boxes.

SMSEagle: APIv1 and APIv2 references. MultiTech: MultiModem iSMS Administrator's Guide, HTTP Send API. Twilio: Message
resource, 2010-04-01.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pacs_monitor.model import DeliveryError, Failure
from tests.channels import samples
from tests.channels.contract import Request, Serve, answering, receiver
from tests.support.estates import loaded
from tests.support.timing import SOON

DOCS = Path(__file__).parents[2] / "docs"
RECIPES = {
    recipe.split(":\n")[1].strip(): recipe
    for recipe in re.findall(r"```yaml\n(.*?)```", (DOCS / "recipes.md").read_text(encoding="utf-8"), re.DOTALL)
    if "type: sms" in recipe
}
NUMBER = "+491701234567"
Box = Callable[[Request], tuple[int, str]]


def form_of(request: Request) -> dict[str, str]:
    text = request.body.decode() or urlsplit(request.line.split()[1]).query
    return {name: value for name, (value,) in parse_qs(text).items()}


def smseagle(request: Request) -> tuple[int, str]:
    """A fake of APIv2: it says in the body what became of each number."""
    if request.headers.get("access-token") != "choose-one":
        return 401, '{"message": "Unauthorized"}'
    told = json.loads(request.body)
    good = [number == NUMBER and told["encoding"] in ("standard", "unicode") for number in told["to"]]
    return 200, json.dumps(
        [
            {"status": "queued", "message": "OK", "number": number, "id": 7}
            if fine
            else {"status": "error", "message": "Invalid number", "number": number}
            for number, fine in zip(told["to"], good, strict=True)
        ]
    )


def smseagle_v1(request: Request) -> tuple[int, str]:
    """A fake of APIv1: whatever is wrong, the status is 200."""
    told = form_of(request)
    if told.get("access_token") != "choose-one":
        return 200, "Invalid access token"
    return 200, "OK; ID=297" if told["to"] == NUMBER and told["message"] else "Wrong parameters"


def multitech(request: Request) -> tuple[int, str]:
    """A fake of the iSMS: numbers within quotes, ASCII, 160 characters, an error code in a 200."""
    told = form_of(request)
    if (told["user"], told["passwd"]) != ("monitor", "choose-one"):
        return 200, "Err: 601\r\n"
    fits = told["text"].isascii() and len(told["text"]) <= 160
    return 200, "ID: 7\r\n" if told["to"] == f'"{NUMBER}"' and fits and told["cat"] == "1" else "Err: 604\r\n"


def twilio(request: Request) -> tuple[int, str]:
    """A fake of the Message resource."""
    if request.headers.get("authorization") != "Basic QUNDT1VOVDpjaG9vc2Utb25l":
        return 401, '{"code": 20003, "message": "Authenticate", "status": 401}'
    told = form_of(request)
    return 201, json.dumps({"sid": "SM1", "status": "queued", "to": told["To"], "error_code": None})


BOXES: dict[str, Box] = {
    "smseagle": smseagle,
    "smseagle_v1": smseagle_v1,
    "multitech": multitech,
    "twilio": twilio,
}
REFUSED = {"smseagle": "http_401", "smseagle_v1": "not_accepted", "multitech": "not_accepted", "twilio": "http_401"}


def served(box: Box) -> Serve:
    def serve(connection: object, request: Request) -> None:
        status, body = box(request)
        answering(status, body.encode())(connection, request)  # type: ignore[arg-type]

    return serve


def by_recipe(name: str, folder: Path, event: str, change: tuple[str, str] = ("", "")) -> list[Request]:
    with receiver(served(BOXES[name])) as at:
        text = re.sub(r"https?://[\w.-]+(:\d+)?(?=/)", at.url, RECIPES[name].replace(*change), count=1)
        estate = loaded(folder, f"monitor: {{name: east}}\n{text}")
        estate.channels[name].deliver(samples.every_event()[event], SOON)
    return at.requests


def test_every_box_has_its_recipe() -> None:
    assert set(RECIPES) == set(BOXES)


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("event", samples.every_event())
def test_every_event_is_taken_as_it_is_documented(name: str, event: str, tmp_path: Path) -> None:
    assert len(by_recipe(name, tmp_path, event)) == 1


@pytest.mark.parametrize("name", BOXES)
def test_a_wrong_account_is_no_delivery(name: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as raised:
        by_recipe(name, tmp_path, "incident.opened", ("choose-one", "wrong"))
    assert (raised.value.reason, raised.value.failure) == (REFUSED[name], Failure.REFUSAL)
    assert NUMBER[1:] not in str(raised.value)


@pytest.mark.parametrize("name", ["smseagle", "smseagle_v1", "multitech"])
def test_a_number_that_the_box_does_not_take_is_no_delivery(name: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as raised:
        by_recipe(name, tmp_path, "incident.opened", ("+49 170 1234567", "+49 170 7654321"))
    assert raised.value.reason == "not_accepted"
    assert "1707654321" not in str(raised.value)
