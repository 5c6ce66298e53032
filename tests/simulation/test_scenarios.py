"""A scenario is one file: played here, run by `simulate --scenario`, and shown in the documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pacs_monitor import config
from pacs_monitor.config import ConfigError, Estate
from pacs_monitor.simulation import scenario
from tests.support.commands import invoke

DOCS = Path(__file__).parents[2] / "docs"
CONFIG = DOCS / "scenarios" / "monitor.yaml"
SCENARIOS = sorted(file for file in CONFIG.parent.glob("*.yaml") if file != CONFIG)
PAGE = (DOCS / "simulate.md").read_text("utf-8")
START = "start: 2026-11-24 08:00\n"
DEAD = "timeline:\n  - {at: 0s, check: archive/tcp, state: down}\n"


@pytest.fixture(scope="module")
def estate() -> Estate:
    return config.load(CONFIG)


def name(file: Path) -> str:
    return file.stem


def test_there_is_one_of_each_story() -> None:
    assert {file.stem for file in SCENARIOS} == {
        *("dead-archive", "dead-switch", "lost-site", "full-disk", "flapping", "storm", "overrun"),
        *("closing-time", "holiday", "clock-change", "a-night", "long-weekend"),
    }


@pytest.mark.parametrize("file", SCENARIOS, ids=name)
def test_people_hear_what_the_scenario_expects(file: Path, estate: Estate) -> None:
    script = scenario.read(file, estate)
    played = scenario.play(script)
    assert script.expect
    assert sorted(played.texts) == sorted(script.expect)
    assert (played.unexpected, played.missing) == ((), ())


@pytest.mark.parametrize("file", SCENARIOS, ids=name)
def test_the_command_prints_the_same(file: Path, estate: Estate) -> None:
    done = invoke("simulate", "--scenario", file, config=CONFIG)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == sorted(scenario.read(file, estate).expect or ())


@pytest.mark.parametrize("file", SCENARIOS, ids=name)
def test_the_documentation_names_it(file: Path) -> None:
    assert f"(scenarios/{file.name})" in PAGE


def test_the_documentation_shows_one_as_it_is() -> None:
    shown = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert shown[0] == (DOCS / "scenarios" / "dead-switch.yaml").read_text("utf-8")


def test_a_scenario_plays_the_same_each_time(estate: Estate) -> None:
    script = scenario.read(SCENARIOS[0], estate)
    assert scenario.play(script) == scenario.play(script)


def test_json_has_each_line_with_its_times() -> None:
    file = DOCS / "scenarios" / "dead-switch.yaml"
    found = json.loads(invoke("simulate", "--json", "--scenario", file, config=CONFIG).stdout)
    assert (found["unexpected"], found["missing"]) == ([], [])
    assert [line for line in found["lines"] if line["why"]] == [
        {
            "at": "2026-11-24T07:32:05.000000Z",
            "what": "suppressed opened",
            "channels": ["oncall", "it-desk"],
            "severity": "critical",
            "cause": "unreachable:archive",
            "why": "dependency core-a, core-b",
            "until": "2026-11-24T07:50:20.000000Z",
        }
    ]


def test_what_is_not_as_expected_is_said_and_the_exit_code_is_1(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(
        f'{START}{DEAD}until: 1h\nexpect: ["08:09:00 opened to oncall, it-desk: unreachable:archive (warning)"]\n'
    )
    done = invoke("simulate", "--scenario", file, config=CONFIG)
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["08:02:00 opened to oncall, it-desk: unreachable:archive (warning)"]
    assert done.stderr.splitlines() == [
        "not expected: 08:02:00 opened to oncall, it-desk: unreachable:archive (warning)",
        "expected, and missing: 08:09:00 opened to oncall, it-desk: unreachable:archive (warning)",
    ]
    found = json.loads(invoke("simulate", "--json", "--scenario", file, config=CONFIG).stdout)
    assert [len(found[key]) for key in ("lines", "unexpected", "missing")] == [1, 1, 1]


def test_silence_can_be_expected(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(f"{START}{DEAD}until: 1m\nexpect: []\n")
    done = invoke("simulate", "--scenario", file, config=CONFIG)
    assert (done.returncode, done.stdout) == (0, "nobody is notified of anything\n")
    file.write_text(f"{START}{DEAD}until: 3m\nexpect: []\n")
    assert invoke("simulate", "--scenario", file, config=CONFIG).returncode == 1


def test_what_is_over_before_anybody_is_notified_is_shown_as_suppressed(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(f"{START}{DEAD}  - {{at: 1m, check: archive/tcp, state: up}}\n")
    done = invoke("simulate", "--scenario", file, config=CONFIG)
    assert done.stdout == "08:01:00 suppressed opened: unreachable:archive (warning), page_after\n"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("start: [\n", "2: not YAML: did not find expected node content"),
        (
            f"{START}timeline:\n\t- x\n",
            "3: not YAML: found character that cannot start any token; indent with spaces, not with a tab",
        ),
        (f"{START}{DEAD}expct: []\n", "4: unknown key 'expct'; did you mean 'expect'?"),
        (f"start: tomorrow\n{DEAD}", "1: start: 'tomorrow' is not a time; write 2026-12-24 02:00"),
        (DEAD, "1: the key 'start' is missing"),
        (
            f"{START}timeline:\n  - {{at: soon, check: archive/tcp, state: down}}\n",
            "3: timeline[0].at: 'soon' is not a duration; write 500ms, 10s, 5m, 2h or 7d",
        ),
        (
            f"{START}{DEAD}  - {{at: 1m, check: archive/tpc, state: up}}\n",
            "4: timeline[1].check: unknown check 'archive/tpc'; did you mean 'archive/tcp'?",
        ),
        (
            f"{START}timeline:\n  - {{at: 0s, check: archive/tcp, state: down, reason: tcp_refusd}}\n",
            "3: timeline[0].reason: unknown reason 'tcp_refusd'; did you mean 'tcp_refused'?",
        ),
        (
            f"{START}timeline:\n  - {{at: 0s, check: archive/tcp, state: broken}}\n",
            "3: timeline[0].state: 'broken' must be 'up', 'degraded', 'down', 'absent' or 'unknown'",
        ),
    ],
)
def test_an_error_names_its_place_and_what_would_be_right(
    text: str, wrong: str, estate: Estate, tmp_path: Path
) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        scenario.read(file, estate)
    assert [str(problem) for problem in raised.value.problems] == [f"{file}:{wrong}"]


def test_the_command_says_every_error_and_exits_with_1(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(f"{START}timeline:\n  - {{at: 0s, check: a/b, state: up}}\n  - {{at: 0s, check: c/d, state: up}}\n")
    done = invoke("simulate", "--scenario", file, config=CONFIG)
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stderr.splitlines()[:2]] == ["timeline[0].check", "timeline[1].check"]
    found = json.loads(invoke("simulate", "--json", "--scenario", file, config=CONFIG).stdout)
    assert [problem["line"] for problem in found["errors"]] == [3, 4]
    missing = invoke("simulate", "--scenario", tmp_path / "none.yaml", config=CONFIG)
    assert (missing.returncode, "cannot be read: No such file" in missing.stderr) == (1, True)


def test_the_command_needs_a_scenario_or_a_period() -> None:
    assert invoke("simulate", config=CONFIG).returncode == 2


def test_what_is_wrong_with_a_word_is_said_at_its_line(tmp_path: Path, estate: Estate) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        START
        + "timeline:\n  - {at: 0s, note: archive}\n  - {at: 1s, clock: 1h}\n  - {at: 2s, ack: archive, close: last}\n"
    )
    with pytest.raises(ConfigError) as caught:
        scenario.read(file, estate)
    said = [str(problem) for problem in caught.value.problems]
    assert [line.partition("wrong.yaml:")[2].partition(":")[0] for line in said] == ["3", "4", "5"]
    assert "needs a text beside note" in said[0]
    assert "write +1h or -90s" in said[1]
    assert "needs exactly one of check, maintenance" in said[2]


def test_another_configuration_is_in_force_from_then_on(tmp_path: Path, estate: Estate) -> None:
    (tmp_path / "quiet.yaml").write_text(CONFIG.read_text().replace("paging: on", "paging: 'off'"))
    file = tmp_path / "reload.yaml"
    file.write_text(
        START + "timeline:\n  - {at: 0s, reload: quiet.yaml}\n  - {at: 1m, check: archive/*, state: down}\n"
        "  - {at: 1h, ack: last}\n  - {at: 2h, ack: ris}\n"
    )
    texts = scenario.play(scenario.read(file, estate)).texts
    assert texts[0].startswith("08:03:00 suppressed opened to oncall, it-desk: unreachable:archive (critical), paging")
    assert texts[1].startswith("10:00:00 refused acknowledge: no open incident ris")
    file.write_text(START + "timeline:\n  - {at: 0s, reload: none.yaml}\n")
    with pytest.raises(ConfigError, match=r"correct none.yaml first"):
        scenario.read(file, estate)
