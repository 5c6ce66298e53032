"""A program of the site, by real processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from pacs_monitor.channels.exec import Exec, ExecSettings
from pacs_monitor.channels.shared.redaction import WORDS_LIMIT
from pacs_monitor.model import Channel, DeliveryError, Failure
from tests.channels import samples
from tests.support.timing import SOON, Stopwatch, wait_until

OWN_CONTRACT = True
"""It speaks no HTTP: what the contract asks is asked here."""
SECRET = "t0p-s3cret"


def channel(script: str, *arguments: str, **settings: Any) -> Exec:
    command = [sys.executable, "-c", script, *arguments]
    return Exec("dect", ExecSettings.model_validate({"command": command, **settings}))


def failure_of(script: str, *arguments: str, **settings: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        channel(script, *arguments, **settings).deliver(samples.notification(), SOON)
    return raised.value


def test_is_a_channel() -> None:
    assert isinstance(channel("pass"), Channel)


@pytest.mark.parametrize("event", samples.every_event())
def test_each_event_reaches_the_program_as_json_on_its_standard_input(event: str, tmp_path: Path) -> None:
    notification, file = samples.every_event()[event], tmp_path / "heard"
    script = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read()); print('paged 4711')"
    assert channel(script, str(file)).deliver(notification, SOON) == "paged 4711"
    heard = json.loads(file.read_text())
    assert (heard["type"], heard["id"]) == (notification.type, notification.id)
    assert heard["data"] == json.loads(json.dumps(notification.data))


@pytest.mark.parametrize(
    ("script", "reason", "failure", "arrived", "words"),
    [
        ("raise SystemExit(65)", "exit_65", Failure.REFUSAL, False, "exit status 65"),
        ("raise SystemExit(127)", "not_configured", Failure.REFUSAL, False, "exit status 127"),
        ("print('line busy'); raise SystemExit(75)", "exit_status", Failure.TEMPORARY, True, "status 75: line busy"),
        ("raise SystemExit(1)", "exit_status", Failure.TEMPORARY, True, "exit status 1"),
        ("import os; os.kill(os.getpid(), 9)", "killed", Failure.TEMPORARY, True, "killed by signal 9"),
    ],
)
def test_the_exit_status_says_what_became_of_it(
    script: str, reason: str, failure: Failure, arrived: bool, words: str
) -> None:
    error = failure_of(script)
    assert (error.reason, error.failure, error.may_have_arrived) == (reason, failure, arrived)
    assert words in str(error)


def test_a_program_that_is_not_there_is_a_refusal() -> None:
    with pytest.raises(DeliveryError, match="cannot be run as the monitor's user: No such file") as raised:
        Exec("dect", ExecSettings(command=("/no/such/program",))).deliver(samples.notification(), SOON)
    assert (raised.value.failure, raised.value.may_have_arrived) == (Failure.REFUSAL, False)


def test_one_that_hangs_is_killed_with_all_its_children(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(600)"
    )
    with Stopwatch() as watch:
        error = failure_of(script, str(file), timeout="3s")
    assert (error.reason, error.failure) == ("timeout", Failure.TEMPORARY)
    assert watch.seconds < SOON
    child = int(file.read_text())
    wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", "the child's end")


def test_output_without_end_is_bounded_and_costs_no_more_than_the_time_limit() -> None:
    assert failure_of("while True: print('x' * 1000)", timeout="2s").reason == "timeout"
    assert len(channel("print('x' * 10_000_000)").deliver(samples.notification(), SOON)) == WORDS_LIMIT


def test_a_program_that_does_not_read_its_input_is_no_failure() -> None:
    huge = samples.notification(detail="x" * 1_000_000)
    assert channel("print('fine')").deliver(huge, SOON) == "fine"


def test_secrets_are_in_its_environment_and_nowhere_else() -> None:
    script = "import os, sys; print(os.environ['TOKEN'], 'HOME' in os.environ); raise SystemExit(int(sys.argv[1]))"
    settings: dict[str, Any] = {"environment": {"TOKEN": SECRET}}
    assert channel(script, "0", **settings).deliver(samples.notification(), SOON) == "… False"
    assert SECRET not in str(failure_of(script, "1", **settings))
    assert SECRET not in repr(ExecSettings.model_validate({"command": ["x"], **settings}))


def test_what_cannot_be_rendered_is_unsendable_and_nothing_is_run() -> None:
    with pytest.raises(DeliveryError) as raised:
        channel("raise SystemExit(1)").deliver(samples.notification(summary=object()), SOON)
    assert raised.value.failure is Failure.UNSENDABLE


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    script = "import sys; print(sys.argv[1])"
    assert channel(script, "$(touch x); *").deliver(samples.notification(), SOON) in ("$(touch x); *", "…")


def test_a_command_is_needed() -> None:
    with pytest.raises(ValidationError, match="command"):
        ExecSettings.model_validate({"command": []})
