"""Bodies by templates, and the recipes for tickets and chats against fakes that were written from the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from pacs_monitor.channels.webhook import Webhook, WebhookSettings
from pacs_monitor.model import DeliveryError, Event, Failure, Notification
from tests.channels import samples
from tests.channels.contract import Request, answering, receiver
from tests.support.estates import loaded
from tests.support.timing import SOON

DOCS = Path(__file__).parents[2] / "docs"
RECIPES = {
    next(iter(re.findall(r"^  (\w+):$", recipe, re.MULTILINE)), ""): recipe
    for recipe in re.findall(r"```yaml\n(.*?)```", (DOCS / "recipes.md").read_text(encoding="utf-8"), re.DOTALL)
    if "    body:" in recipe and "type: webhook" in recipe
}
KEY = samples.data()["dedup_key"]
ODD = 'He said "no" \\ & left\nthen <b>came</b> back 🚑 ${x} {{ y }} %41'
"""What a text may hold."""


def sent(settings: Mapping[str, Any], notification: Notification) -> list[Request]:
    with receiver(answering(200, b"ok")) as at:
        Webhook("hook", WebhookSettings.model_validate({"url": at.url, **settings})).deliver(notification, SOON)
    return at.requests


def by_recipe(name: str, folder: Path, notification: Notification) -> list[Request]:
    with receiver(answering(200, b"ok")) as at:
        text = re.sub(r"https://[\w.-]+(?=/)", at.url, RECIPES[name], count=1)
        estate = loaded(folder, f"monitor: {{name: east}}\n{text}")
        estate.channels[name].deliver(notification, SOON)
    return at.requests


def test_every_product_has_its_recipe() -> None:
    assert set(RECIPES) == {"servicenow", "jira", "zammad", "mattermost", "rocketchat"}


@pytest.mark.parametrize("name", ["servicenow", "jira", "zammad", "mattermost", "rocketchat"])
@pytest.mark.parametrize("event", samples.every_event())
def test_every_event_can_be_sent_by_every_recipe(name: str, event: str, tmp_path: Path) -> None:
    for request in by_recipe(name, tmp_path, samples.every_event()[event]):
        if "json" in request.headers["content-type"]:
            json.loads(request.body)


@pytest.mark.parametrize("name", ["servicenow", "jira", "zammad", "mattermost", "rocketchat"])
def test_no_text_breaks_out_of_its_place(name: str, tmp_path: Path) -> None:
    texts = dict.fromkeys(("summary", "detail", "impact", "next_step", "title"), ODD)
    (request,) = by_recipe(name, tmp_path, samples.notification(Event.OPENED, **texts))
    if "json" in request.headers["content-type"]:
        assert "🚑" in json.dumps(json.loads(request.body), ensure_ascii=False)
    else:
        assert set(parse_qs(request.body.decode())) == {"event_id", "host", "service", "state", "text"}


def test_servicenow_gets_events_of_one_message_key_and_a_clear_one_at_the_end(tmp_path: Path) -> None:
    opened, changed, end = (
        json.loads(by_recipe("servicenow", tmp_path, samples.notification(event))[0].body)["records"][0]
        for event in (Event.OPENED, Event.CHANGED, Event.RESOLVED)
    )
    assert {record["message_key"] for record in (opened, changed, end)} == {KEY}
    assert (opened["severity"], opened["resolution_state"], opened["node"]) == ("1", "New", "archive")
    assert (end["severity"], end["resolution_state"]) == ("0", "Closing")
    assert json.loads(opened["additional_info"])["site"] == "east"
    (request,) = by_recipe("servicenow", tmp_path, samples.notification())
    assert request.line.startswith("POST /api/global/em/jsonv2 ")
    assert request.headers["authorization"].startswith("Basic ")


def test_jira_is_told_a_label_that_a_query_finds_again(tmp_path: Path) -> None:
    opened, end = (
        json.loads(by_recipe("jira", tmp_path, samples.notification(event))[0].body)
        for event in (Event.OPENED, Event.RESOLVED)
    )
    assert opened["key"] == end["key"] == KEY.replace("/", "-")
    assert (opened["event"], end["event"], opened["priority"]) == ("opened", "resolved", "Highest")


def test_zammad_closes_by_the_host_and_service_that_it_opened(tmp_path: Path) -> None:
    opened, end = (
        parse_qs(by_recipe("zammad", tmp_path, samples.notification(event))[0].body.decode())
        for event in (Event.OPENED, Event.RESOLVED)
    )
    assert (opened["host"], opened["service"]) == (end["host"], end["service"]) == (["archive"], [KEY])
    assert (opened["state"], end["state"]) == (["CRITICAL"], ["OK"])


def test_chats_are_told_in_the_first_words(tmp_path: Path) -> None:
    (post,) = by_recipe("mattermost", tmp_path, samples.notification())
    assert json.loads(post.body)["text"].startswith(f"@channel {samples.SUMMARY}")
    (message,) = by_recipe("rocketchat", tmp_path, samples.notification())
    assert json.loads(message.body)["text"] == samples.SUMMARY


def test_an_event_without_a_template_is_not_sent_and_a_test_opens_and_resolves() -> None:
    body = {"opened": '{"open": {{ key | tojson }}}', "resolved": '{"end": {{ key | tojson }}}'}
    assert sent({"body": body}, samples.notification(Event.CHANGED)) == []
    assert sent({"body": body}, samples.every_event()["digest"]) == []
    tested = [json.loads(request.body) for request in sent({"body": body}, samples.every_event()["test"])]
    assert [list(one) for one in tested] == [["open"], ["end"]]
    assert tested[0]["open"] == tested[1]["end"] != ""


def test_method_accounts_and_content_type_are_as_set() -> None:
    body = {"opened": "plain {{ summary }}"}
    settings = {"method": "PUT", "token": "t0ken", "headers": {"Content-Type": "text/plain"}, "body": body}
    (request,) = sent(settings, samples.notification())
    assert request.line.startswith("PUT ")
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["content-type"] == "text/plain"
    assert request.body.decode() == f"plain {samples.SUMMARY}"
    (request,) = sent({"username": "nurse", "password": "night"}, samples.notification())
    assert request.headers["authorization"] == "Basic bnVyc2U6bmlnaHQ="


def test_a_header_may_be_a_template_and_is_one_line_of_ascii() -> None:
    headers = {
        "X-Fixed": "s3cret-fixed",
        "Title": "{{ title }}",
        "Priority": "{{ {'critical': 'urgent'}[severity] | default('low') }}",
        "X-Empty": "{{ public_note }}",
        "X-Mixed": "s3cret-literal {{ key }}",
    }
    page = samples.notification(title="Röntgen\r\nX-Evil: 1\x00 🚑", public_note="")
    (request,) = sent({"headers": headers}, page)
    assert request.headers["title"] == "R?ntgen X-Evil: 1? ?"
    assert (request.headers["priority"], request.headers["x-fixed"]) == ("urgent", "s3cret-fixed")
    assert request.headers["x-mixed"] == f"s3cret-literal {KEY}"
    assert not {"x-empty", "x-evil"} & set(request.headers)


def test_what_a_header_says_beside_its_template_is_a_secret() -> None:
    def echo(connection: Any, request: Request) -> None:
        answering(400, request.raw.encode())(connection, request)

    with receiver(echo) as at:
        settings = {"url": at.url, "headers": {"X-Mixed": "s3cret-literal {{ severity }}"}}
        hook = Webhook("hook", WebhookSettings.model_validate(settings))
        with pytest.raises(DeliveryError) as raised:
            hook.deliver(samples.notification(), SOON)
    assert "s3cret" not in str(raised.value)


def test_a_body_that_is_no_json_is_unsendable_and_nothing_is_sent() -> None:
    with receiver(answering(200)) as at:
        settings = {"url": at.url, "body": {"opened": '{"text": {{ summary }}}'}}
        hook = Webhook("hook", WebhookSettings.model_validate(settings))
        with pytest.raises(DeliveryError) as raised:
            hook.deliver(samples.notification(summary='"'), SOON)
    assert raised.value.failure is Failure.UNSENDABLE
    assert at.requests == []


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"body": {"opened": "{{ sumary }}"}}, "correct the template: 'sumary' is undefined"),
        ({"body": {"opened": "{{ summary"}}, "correct the template: unexpected end of template"),
        ({"body": {"opened": "{{ summary | nope }}"}}, "No filter named 'nope'"),
        ({"body": {"opened": "{{ summary.__class__.__mro__ }}"}}, "correct the template: access to attribute"),
        ({"body": {"opened": "{{ members.append(1) }}"}}, "correct the template: "),
        ({"body": {"opened": "{{ range(9) }}"}}, "correct the template: 'range' is undefined"),
        ({"body": {}}, "Field required"),
        ({"body": {"opened": "{}", "resolved": '{"a": "{{ why }}"}'}}, "body.resolved: write texts with tojson"),
        ({"headers": {"Title": "{{ sumary }}"}}, "Title: correct the template: 'sumary' is undefined"),
        ({"username": "a", "token": "b"}, "set one of username, token and the header Authorization"),
        ({"token": "b", "headers": {"authorization": "c"}}, "set one of username, token and the header Authorization"),
        ({"password": "b"}, "set username too"),
        ({"method": "GET"}, "Input should be 'POST', 'PUT' or 'PATCH'"),
    ],
)
def test_wrong_settings_are_told_when_the_configuration_is_read(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        WebhookSettings.model_validate({"url": "http://host/", **settings})
