"""The commands as people type them, over a real daemon where one is needed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pacs_monitor.clock import SystemClock
from pacs_monitor.config import Estate, canonical, load
from pacs_monitor.history import History, Revision
from tests.peers.daemon import RunningDaemon
from tests.peers.ports import free_port
from tests.peers.receiver import SECRET, Receiver
from tests.peers.switchable import Switchable
from tests.support.commands import command, invoke
from tests.support.estates import write_estate
from tests.support.timing import wait_until


def node(port: int, name: str = "archive") -> str:
    return f"  {name}: {{host: 127.0.0.1, dicom: {{port: {port}, ae_title: PEER}}, checks: {{dicom_echo: }}}}\n"


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running daemon over one good node and one where nothing listens."""
    folder, listen = tmp_path_factory.mktemp("estate"), free_port()
    with Switchable() as peer, Receiver() as pager:
        nodes = node(peer.port) + node(free_port(), "dead")
        timing = "interval: 500ms, retry_interval: 200ms, timeout: 10s, failures: 2, recoveries: 1, page_after: 0s"
        config = write_estate(folder, listen, nodes, pager=pager.url, secret=SECRET, defaults=timing)
        with RunningDaemon(config, listen) as daemon:
            wait_until(lambda: daemon.get("/api/v1/status")["counts"] == COUNTS, "one up and one down")
            wait_until(lambda: bool(pager.accepted), "the page")
            yield config


COUNTS = {"up": 1, "down": 1, "absent": 0, "unknown": 0, "degraded": 0}


def test_help_teaches_every_command() -> None:
    shown = command("--help")
    names = re.findall(r"^\W*([a-z-]+)  +[A-Z]", shown.stdout, re.MULTILINE)

    assert shown.returncode == 0
    promised = "run demo check-config show probe status incidents notify-test probes channels systems schema init"
    assert {*promised.split(), "reload", "report"} <= set(names)
    for name in names:
        assert invoke(name, "--help").returncode == 0


def test_a_good_node_is_probed_through_the_daemon(estate: Path) -> None:
    said = command("probe", "archive/dicom_echo", config=estate)

    assert said.returncode == 0, said.stdout + said.stderr
    assert re.search(r"archive/dicom_echo +ok", said.stdout)


def test_a_direct_probe_tells_phases_and_what_the_peer_is(estate: Path) -> None:
    said = invoke("probe", "archive", "--direct", config=estate)

    assert said.returncode == 0, said.stdout + said.stderr
    for word in ("connect", "associate", "operation", "release", "accepted with", "maximum PDU length"):
        assert word in said.stdout


def test_a_bad_node_is_explained_whose_fault_it_is_and_what_to_check(estate: Path) -> None:
    said = invoke("probe", "dead", "--direct", config=estate)

    assert said.returncode == 1
    assert "tcp_refused in phase connect, the node's fault" in said.stdout
    assert "Check that the service is running" in said.stdout


def test_a_node_that_may_be_off_is_not_called_an_outage(tmp_path: Path) -> None:
    off = node(free_port(), "ct").replace("{host", "{presence: intermittent, host")
    said = invoke("probe", "ct", "--direct", config=write_estate(tmp_path, free_port(), off))

    assert "tcp_refused" in said.stdout
    assert "counts as absent, not as an outage" in said.stdout


def test_a_probe_as_json_is_an_array_of_results(estate: Path) -> None:
    rows = json.loads(invoke("probe", "dead", "--direct", "--json", config=estate).stdout)

    assert [(row["status"], row["reason"], row["blame"]) for row in rows] == [("fail", "tcp_refused", "node")]


def test_what_only_the_daemon_can_know_is_not_asked_from_here(tmp_path: Path) -> None:
    config = write_estate(tmp_path, free_port(), "  job: {checks: {push: {within: 26h}}}\n")
    said = invoke("probe", "job", "--direct", config=config)

    assert (said.returncode, "awaited" in said.stdout) == (1, True)
    assert "run from this terminal: only the running daemon knows the reports" in said.stdout


def test_no_such_node_is_misuse_and_says_what_there_is(estate: Path) -> None:
    for words in (
        ("probe", "arhcive"),
        ("probe", "archive/ecoh"),
        ("show", "arhcive"),
        ("notify-test", "nobody"),
        ("incidents", "01X"),
    ):
        said = invoke(*words, config=estate)
        assert said.returncode == 2
        assert re.search("known: |list them with: ", said.stderr)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("probe", "arhcive"), "archive"),
        (("probe", "archive/dicom_eco"), "dicom_echo"),
        (("show", "arhcive"), "archive"),
        (("notify-test", "pagr"), "pager"),
        (("probes", "dsk"), "disk"),
    ],
)
def test_a_mistyped_name_is_answered_with_the_one_that_is_meant(
    estate: Path, words: tuple[str, ...], meant: str
) -> None:
    assert f"did you mean {meant}?" in invoke(*words, config=None if words[0] == "probes" else estate).stderr


def test_status_and_incidents_tell_what_is_down(estate: Path) -> None:
    status, incidents = invoke("status", config=estate), invoke("incidents", config=estate)
    identity = re.search(r"01[0-9A-Z]{24}", incidents.stdout)
    assert identity, incidents.stdout + incidents.stderr
    one = invoke("incidents", identity[0], config=estate)

    assert status.returncode == 1
    assert "tcp_refused" in status.stdout
    assert re.search(
        rf"^    warning incident {identity[0]}: paged by pager at \d\d:\d\d:\d\d UTC$", status.stdout, re.M
    )
    assert re.search(r"archive/dicom_echo +up +warning +since ", status.stdout)
    assert "dead/dicom_echo" in incidents.stdout
    assert re.search(r"^  \d\d:\d\d:\d\d UTC  to pager: opened, delivered", one.stdout, re.M)


def logged(log: Path, line: str) -> bool:
    return re.search(line, log.read_text(), re.MULTILINE) is not None


def test_the_log_tells_what_was_seen_and_who_was_told_with_the_offset_of_its_times(estate: Path) -> None:
    log = estate.with_suffix(".log")
    time = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"
    down = rf"{time} WARNING .*dead/dicom_echo: unknown -> down \(tcp_refused\): 127.0.0.1:\d+ refused the connection"
    taken = rf"{time} INFO .*channel pager delivered incident.opened: dead refuses connections on port \d+ since "
    for line in (down, taken):
        wait_until(partial(logged, log, line), line)


@pytest.mark.parametrize("more", [(), ("--direct",)], ids=["through the daemon", "direct"])
def test_notify_test_shows_what_the_receiver_said(estate: Path, more: tuple[str, ...]) -> None:
    said = invoke("notify-test", "pager", *more, config=estate)

    assert said.returncode == 0, said.stderr
    assert "delivered" in said.stdout


def test_whatever_is_told_to_people_is_told_to_programs(estate: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("monitor: {name: x, listne: 1}\nnodes: {}\n")
    wrong, right = invoke("check-config", "--json", config=bad), invoke("check-config", "--json", config=estate)
    reload, trial = invoke("reload", "--json", config=estate), invoke("notify-test", "pager", "--json", config=estate)
    errors = json.loads(wrong.stdout)["errors"]

    assert (wrong.returncode, [(error["line"], error["path"]) for error in errors]) == (1, [(1, "monitor")])
    assert {"errors": [], "changes": None, "nodes": 2, "checks": 2}.items() <= json.loads(right.stdout).items()
    assert json.loads(reload.stdout)["changes"] == []
    assert "external_url is missing" in json.loads(reload.stdout)["warnings"][0]
    assert {"channel": "pager", "delivered": True}.items() <= json.loads(trial.stdout).items()


def test_a_second_daemon_of_the_same_name_refuses_to_start(estate: Path, tmp_path: Path) -> None:
    text = estate.read_text()
    other = tmp_path / "other.yaml"
    other.write_text(re.sub(r"listen: \S+", f"listen: 127.0.0.1:{free_port()}", text))
    said = command("run", config=other)

    assert said.returncode == 1
    assert "stop the monitor named" in said.stderr


def broken(estate: Path, typo: str, name: str = "broken.yaml") -> Path:
    """The estate's file as somebody has just left it."""
    file = estate.with_name(name)
    file.write_text(estate.read_text() + typo)
    return file


VERBS = {
    ("status",): (1, "dead/dicom_echo"),
    ("incidents",): (0, "dead/dicom_echo"),
    ("probe", "archive"): (0, "archive/dicom_echo  ok"),
    ("probe", "archive/dicom_echo"): (0, "archive/dicom_echo  ok"),
    ("notify-test", "pager"): (0, "delivered"),
    ("reload",): (0, "nothing changed"),
    ("report", "today"): (0, "dead/dicom_echo"),
}


@pytest.mark.parametrize("typo", ["  x: {chekcs: {}}\n", "  x: {checks: [\n"], ids=["an unknown key", "not YAML"])
def test_a_typo_in_the_file_keeps_nobody_from_asking_the_daemon(estate: Path, typo: str) -> None:
    file = broken(estate, typo)
    for words, (code, says) in VERBS.items():
        said = invoke(*words, "--config", file)
        assert (said.returncode, says in said.stdout) == (code, True), (words, said.stdout + said.stderr)
        if words != ("reload",):  # what the daemon reads is for it to say
            assert f"{file} has errors: only its section monitor is used here" in said.stderr
            assert re.search(r"broken\.yaml:\d+: .*(chekcs|not YAML)", said.stderr)


def test_who_makes_a_report_of_a_file_in_force_need_not_read_its_secrets(tmp_path: Path) -> None:
    hook = "channels: {hook: {type: webhook, url: 'https://hooks.example.org', secret_file: hook.secret}}\n"
    secret = tmp_path / "hook.secret"
    secret.write_text(SECRET)
    file = write_estate(tmp_path, free_port(), hook.replace("channels", "  archive: {checks: {}}\nchannels"))
    asyncio.run(adopted(load(file)))
    secret.unlink()

    in_force = invoke("report", "today", "--format", "json", config=file)
    file.write_text(file.read_text() + "# changed\n")
    changed = invoke("report", "today", "--format", "json", config=file)

    assert (in_force.returncode, in_force.stderr) == (0, "")
    assert "hook.secret cannot be read" in changed.stderr
    assert f"{file} has errors: only its section monitor is used here" in changed.stderr
    said = [json.loads(one.stdout) for one in (in_force, changed)]
    assert [one["monitor"] for one in said] == ["proof", "proof"]


async def adopted(estate: Estate) -> None:
    """In force, as a daemon has it on record."""
    history = History.open(estate.monitor.database, estate.monitor.name, SystemClock())
    await history.adopt(estate.checks, Revision(estate.revision, content=canonical(estate)))
    history.close()


def test_the_running_daemon_is_asked_by_its_address_alone(estate: Path, tmp_path: Path) -> None:
    (listen,) = re.findall("listen: (.*)", estate.read_text())
    url = f"http://{listen}"
    for words, (code, says) in VERBS.items():
        if words[0] != "report":
            said = invoke(*words, "--url", url, "--config", tmp_path / "none.yaml")
            assert (said.returncode, says in said.stdout) == (code, True), (words, said.stdout + said.stderr)
            assert "none.yaml" not in said.stderr
    assert "dead/dicom_echo" in invoke("status", PACS_MONITOR_URL=url).stdout
    nobody = invoke("status", "--url", f"http://127.0.0.1:{free_port()}")
    assert (nobody.returncode, "(none answers at http://127.0.0.1:" in nobody.stderr) == (1, True)
    assert invoke("status", "--url", "somewhere").returncode == 2
    for words in (("probe", "arhcive"), ("probe", "archive/ecoh"), ("notify-test", "nobody"), ("incidents", "01X")):
        assert invoke(*words, "--url", url).returncode == 2


@pytest.mark.parametrize("typo", ["  listen: nowhere\n", "  tls: {cert: gone.pem}\n"])
def test_an_address_that_cannot_be_read_is_not_guessed(tmp_path: Path, typo: str) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text(f"monitor:\n  name: x\n{typo}nodes: {{}}\n")
    said = invoke("status", "--config", file)
    assert said.returncode == 1
    assert re.search(
        r"correct monitor.(listen|tls) in the file \(it cannot be read\), or name the daemon: --url http", said.stderr
    )
    assert "monitor.yaml:3: monitor." in said.stderr


def test_run_warns_of_what_is_not_acted_on(tmp_path: Path) -> None:
    listen = free_port()
    config = write_estate(tmp_path, listen, node(free_port()))
    config.write_text(config.read_text() + "include: [more.yaml]\n")
    with RunningDaemon(config, listen) as daemon:
        said = daemon.log.read_text()
        reloaded = invoke("reload", "--config", config)
        again = daemon.log.read_text()
        config.write_text(config.read_text() + "typo: [\n")
        refused = invoke("reload", "--config", config)
    assert (refused.returncode, refused.stderr.count("monitor.yaml:"), "SIGHUP" in refused.stderr) == (1, 1, False)
    assert re.search(r"WARNING .*monitor\.yaml:\d+: include: not acted on yet", said)
    assert "monitoring 1 check of 1 node, paging on; http://127.0.0.1:" in said
    assert re.search(r"warning: .*monitor\.yaml:\d+: include: not acted on yet", reloaded.stderr)
    assert again.count("not acted on yet") == 2


def test_reload_tells_what_changed_or_that_nothing_did(estate: Path) -> None:
    said, before = invoke("reload", config=estate), invoke("check-config", "--diff", "running", config=estate)

    assert (said.returncode, said.stdout) == (0, "nothing changed\n")
    assert (before.returncode, "would change nothing" in before.stdout) == (0, True)


def test_what_a_reload_would_change_is_told_before(estate: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(estate.read_text().replace("  dead:", "  gone:"))
    said = invoke("check-config", "--diff", estate, config=other)

    assert said.returncode == 0
    assert "+ gone/dicom_echo" in said.stdout
    assert "- dead/dicom_echo" in said.stdout


@pytest.mark.parametrize("columns", ["100", None])
def test_show_reads_well_at_100_columns(tmp_path: Path, columns: str | None) -> None:
    folder = tmp_path / "a-folder-with-a-long-name-such-as-servers-have" / "and-another-one-below-it"
    folder.mkdir(parents=True)
    config = folder / "monitor.yaml"
    config.write_text(
        "monitor: {name: east}\ndefault_route: {channels: []}\nnodes:\n  archive:\n    host: 10.0.0.1\n"
        f"    impact: {'nobody can read images, ' * 8}\n    dicom: {{port: 104, ae_title: ARCHIVE}}\n"
        "    orthanc: {url: 'http://a-name-of-a-host-that-is-rather-long.radiology.hospital.example.org:8042/orthanc'}\n"
        "    checks:\n      dicom_echo:\n      dicom_store: {enabled_by: the team, cleanup: orthanc}\n"
    )
    shown = command("show", "archive", config=config, **({"COLUMNS": columns} if columns else {}))
    assert shown.returncode == 0, shown.stderr
    assert max(map(len, shown.stdout.splitlines())) <= 100
    assert re.search(r"^dicom_store +enabled_by +the team +check \(monitor\.yaml:11\) *$", shown.stdout, re.MULTILINE)
    assert all(word in shown.stdout for word in ("dicom.calling_ae_title", "retry_interval")), "keys stay whole"


def test_show_tells_where_each_setting_comes_from(estate: Path) -> None:
    shown = invoke("show", "archive", config=estate)

    assert shown.returncode == 0
    assert re.search(r"dicom_echo +interval +500ms +.*monitor\.yaml:\d+", shown.stdout), shown.stdout


def test_a_wrong_configuration_is_told_whole_and_starts_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("monitor: {name: x, listne: 1}\nnodes: {a: {host: h, checks: {ecoh: }}}\n")
    said = command("check-config", config=bad)

    assert said.returncode == 1
    assert "bad.yaml:1: monitor: unknown key 'listne'; did you mean 'listen'?" in said.stderr
    assert "bad.yaml:2: nodes.a.checks.ecoh: " in said.stderr


def test_a_file_that_is_not_there_is_told_with_the_way_to_write_one(tmp_path: Path) -> None:
    said = invoke("probe", "archive", config=tmp_path / "monitor.yaml")

    assert said.returncode == 1
    assert (
        f"name another file with --config, or create it with: pacs-monitor init {tmp_path}/monitor.yaml" in said.stderr
    )


def test_brackets_in_settings_are_no_markup(tmp_path: Path) -> None:
    folder = tmp_path / "[bold]"
    folder.mkdir()
    config = write_estate(folder, free_port(), node(free_port()).replace("{host", "{title: 'CT [/bold] [red]', host"))
    shown, checked = invoke("show", "archive", config=config), invoke("check-config", config=config)

    assert "CT [/bold] [red]" in shown.stdout, shown.stderr
    assert f"{config}: no errors; 1 node" in checked.stdout, checked.stderr


def test_init_writes_a_starter_that_checks_and_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "monitor.yaml"

    assert invoke("init", file).returncode == 0
    assert invoke("check-config", config=file).returncode == 0
    assert "paging: shadow" in file.read_text()
    assert invoke("init", file).returncode == 2


def test_kinds_are_listed_and_described() -> None:
    assert "dicom_echo" in invoke("probes").stdout
    assert "calling_ae_title" in invoke("probes", "dicom_echo").stdout
    assert "webhook" in invoke("channels").stdout
    assert {"dicom_echo", "tcp"} <= {row["kind"] for row in json.loads(invoke("probes", "--json").stdout)}
    assert invoke("probes", "ping-pong").returncode == 2


def test_the_schema_is_printed_for_editors() -> None:
    assert json.loads(invoke("schema").stdout)["$schema"]


def test_without_a_daemon_the_verbs_say_how_to_start_one(tmp_path: Path) -> None:
    config = write_estate(tmp_path, free_port(), node(free_port()))

    for words in (("status",), ("incidents",), ("reload",)):
        said = invoke(*words, config=config)
        assert (said.returncode, "pacs-monitor run" in said.stderr) == (1, True)


def test_a_report_without_a_record_says_so_and_a_wrong_period_is_misuse(tmp_path: Path) -> None:
    config = write_estate(tmp_path, free_port(), node(free_port()))

    assert invoke("report", "2026-Q3", config=config).returncode == 1
    wrong = invoke("report", "2026-Q5", config=config)
    assert (wrong.returncode, "2026-Q3" in wrong.stderr) == (2, True)


def test_the_report_on_the_terminal_shows_every_check(estate: Path) -> None:
    said = invoke("report", "2026-01-01..2099-01-01", config=estate)

    assert said.returncode == 0, said.stderr
    assert "dead/dicom_echo" in said.stdout
    assert invoke("report", "2026", "--match", "node=nobody", config=estate).returncode == 2
