"""Effective settings: who says them, and what everybody else makes of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pacs_monitor import config, probes
from pacs_monitor.config import ConfigError, Estate, check_facts, limits_of
from pacs_monitor.config.references import circles
from pacs_monitor.dicom.endpoint import target_of
from pacs_monitor.model import SECOND, Address, CheckId, Paging, Presence, Severity
from tests.config.test_calendars import ICS
from tests.peers.authority import Authority
from tests.support.estates import ARCHIVE, HEAD, loaded, messages

ECHO = CheckId("archive", "dicom_echo")
ROOT = Path(__file__).parents[2]
AGREED = (
    "services: {pacs: {all: [archive/dicom_echo]}}\nobjectives:\n  - {name: PACS, service: pacs, availability: 99.9%}\n"
)


def layered(folder: Path, *, check: str = "", node: str = "", defaults: str = "") -> Estate:
    text = f"{HEAD}defaults: {{{defaults}}}\n" + ARCHIVE.replace("dicom_echo:", f"dicom_echo: {{{check}}}")
    return loaded(folder, text.replace("    host:", f"    {node}\n    host:"))


def test_the_probe_kinds_own_rhythm_holds_unless_told_otherwise(tmp_path: Path) -> None:
    check = layered(tmp_path).checks[ECHO]
    rhythm = check.probe.timing
    assert (rhythm.interval, rhythm.retry_interval, rhythm.timeout) == (
        check.interval,
        check.retry_interval,
        check.timeout,
    )
    assert (check.thresholds.failures, check.thresholds.recoveries, check.thresholds.busy_fail_after) == (3, 2, 600.0)
    assert (
        check.severity,
        check.paging,
        check.page_after,
        check.unknown_after,
    ) == (Severity.WARNING, Paging.ON, 60.0, 900.0)


@pytest.mark.parametrize(
    ("layers", "interval"),
    [
        ({"defaults": "interval: 40s"}, 40.0),
        ({"defaults": "interval: 40s", "node": "interval: 30s"}, 30.0),
        ({"defaults": "interval: 40s", "node": "interval: 30s", "check": "interval: 20s"}, 20.0),
    ],
)
def test_the_nearest_to_the_check_wins(tmp_path: Path, layers: dict[str, str], interval: float) -> None:
    assert interval == layered(tmp_path, **layers).checks[ECHO].interval


WRITES = """
nodes:
  archive:
    host: 10.0.0.1
    interval: 20s
    dicom: {port: 104, ae_title: ARCHIVE}
    hl7: {port: 2575}
    checks:
      dicom_store: {enabled_by: us, cleanup: none, mode: accept_only, verify: none}
      dicomweb_store: {enabled_by: us, cleanup: retention, url: "http://10.0.0.1/dicom-web"}
      dicom_retrieve: {enabled_by: us, studies: 1.2.3}
      hl7_heartbeat: {enabled_by: us, receiving_application: ENGINE, receiving_facility: EAST}
      often: {probe: dicom_store, enabled_by: us, cleanup: none, mode: accept_only, verify: none, interval: 2m}
      dicom_find:
"""


@pytest.mark.parametrize(
    ("more", "warned"),
    [
        ("", True),
        (", listen: '[::1]:9741'", True),
        (", listen: 0.0.0.0:9741, auth: {tokens: [{name: us, role: viewer, token: right-right-right-right}]}", True),
        (", listen: 10.0.0.9:9741, auth: {tokens: [{name: us, role: viewer, token: right-right-right-right}]}", False),
        (", external_url: 'https://monitor.example.org'", False),
    ],
)
def test_links_that_open_on_this_machine_alone_are_warned_of(tmp_path: Path, more: str, warned: bool) -> None:
    head = HEAD.replace("{name: east", f"{{name: east{more}")
    hook = "channels: {hook: {type: webhook, url: 'https://hooks.example.org'}}\n"
    told = [str(warning) for warning in loaded(tmp_path, head + hook + ARCHIVE).warnings]
    assert any("monitor: external_url is missing: links in pages lead to http://" in line for line in told) == warned
    assert loaded(tmp_path, HEAD + ARCHIVE).warnings == ()


def test_how_often_a_check_writes_is_said_at_the_check_alone(tmp_path: Path) -> None:
    """`defaults.interval: 10s` made a test store every 15 minutes 8,640 a day."""
    estate = loaded(tmp_path, f"{HEAD}defaults: {{interval: 10s, retry_interval: 1s, timeout: 30s}}\n{WRITES}")
    rhythms = {check.id.check: (check.interval, check.retry_interval) for check in estate.checks.values()}
    kinds = {check.probe.kind for check in estate.checks.values()}
    assert {kind for kind, probe in probes.kinds().items() if probe.writes} <= kinds
    assert rhythms == {
        "dicom_store": (900.0, 60.0),
        "dicomweb_store": (900.0, 60.0),
        "dicom_retrieve": (3600.0, 300.0),
        "hl7_heartbeat": (300.0, 60.0),
        "often": (120.0, 60.0),
        "dicom_find": (20.0, 1.0),
    }
    assert {check.timeout for check in estate.checks.values()} == {30.0}


def test_the_retry_interval_is_never_above_the_interval(tmp_path: Path) -> None:
    assert layered(tmp_path, check="interval: 5s").checks[ECHO].retry_interval == 5.0


def test_a_timeout_above_its_interval_is_legal(tmp_path: Path) -> None:
    assert layered(tmp_path, check="interval: 5s, timeout: 30s").checks[ECHO].timeout == 30.0


def test_paging_is_said_by_check_node_site_or_monitor(tmp_path: Path) -> None:
    text = HEAD.replace("name: east", "name: east, paging: shadow") + (
        "sites: {s: {paging: off}}\n"
        "nodes:\n"
        "  a: {host: h, checks: {tcp: {port: 1}}}\n"
        "  b: {host: h, site: s, checks: {tcp: {port: 1}}}\n"
        "  c: {host: h, site: s, paging: shadow, checks: {tcp: {port: 1}}}\n"
        "  d: {host: h, site: s, paging: shadow, checks: {tcp: {port: 1, paging: on}}}\n"
    )
    checks = loaded(tmp_path, text).checks.values()
    assert [check.paging for check in checks] == [Paging.SHADOW, Paging.OFF, Paging.SHADOW, Paging.ON]


def test_the_calling_ae_title_is_the_monitors_unless_the_node_says_otherwise(tmp_path: Path) -> None:
    text = (
        "monitor: {name: east, ae_title: WATCH}\ndefault_route: {channels: []}\nnodes:\n"
        "  a: {dicom: {port: 104, ae_title: A}}\n"
        "  b: {dicom: {port: 104, ae_title: B, calling_ae_title: OTHER}}\n"
    )
    nodes = loaded(tmp_path, text).nodes
    assert [node.dicom.calling_ae_title for node in nodes.values() if node.dicom] == ["WATCH", "OTHER"]


def test_a_check_of_another_name_says_its_probe(tmp_path: Path) -> None:
    text = HEAD + "nodes:\n  switch: {host: h, presence: intermittent, checks: {ssh: {probe: tcp, port: 22}}}\n"
    check = loaded(tmp_path, text).checks[CheckId("switch", "ssh")]
    assert (check.probe.kind, check.settings.port, check.thresholds.presence) == ("tcp", 22, Presence.INTERMITTENT)
    assert check_facts(check)["probe"] == "tcp"


def test_relative_paths_start_at_the_configurations_folder(tmp_path: Path) -> None:
    estate = loaded(tmp_path, HEAD.replace("east", "east, database: sqlite:///east.db"))
    assert f"sqlite:///{tmp_path / 'east.db'}" == estate.monitor.database


def test_people_reach_us_where_we_listen_unless_an_external_url_is_given(tmp_path: Path) -> None:
    assert loaded(tmp_path, HEAD).monitor.url == "http://127.0.0.1:9741"
    assert loaded(tmp_path, HEAD.replace("east", 'east, listen: "[::1]:1"')).monitor.url == "http://[::1]:1"
    given = HEAD.replace("east", "east, external_url: https://m.example.org/")
    assert loaded(tmp_path, given).monitor.link("/x") == "https://m.example.org/x"
    none = loaded(tmp_path, HEAD.replace("east", "east, external_url: none")).monitor
    assert (none.url, none.link("/x")) == ("", "")


def test_a_certificate_and_a_key_that_do_not_fit_are_a_mistake(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.certificate().cert, authority.certificate(file="other").key
    for shown, why in ((cert, "(KEY_VALUES_MISMATCH)"), (key, "")):
        (told,) = messages(tmp_path, HEAD.replace("east}", f"east, tls: {{cert: {shown}, key: {key}}}}}"))
        assert told.startswith("1: monitor.tls: its files cannot be read, do not match each other, or are not PEM (")
        assert why in told


def test_a_certificate_that_is_just_being_renewed_is_told(tmp_path: Path) -> None:
    pair = Authority(tmp_path).certificate()
    tls = loaded(tmp_path, HEAD.replace("east}", f"east, tls: {{cert: {pair.cert}, key: {pair.key}}}}}")).monitor.tls
    assert tls is not None
    context = tls.context()
    assert tls.read_again_into(context) == []
    Path(pair.cert).write_text("half of it")
    assert tls.read_again_into(context) == [f"reload once more: {pair.cert} and its key do not match at the moment"]


def test_references_are_addresses(tmp_path: Path) -> None:
    estate = loaded(tmp_path, HEAD + 'sites: {east: {reference: ["10.0.0.1:443", "[fd00::1]:80"]}}\n')
    assert {"east": (Address("10.0.0.1", 443), Address("fd00::1", 80))} == estate.references


def test_routes_keep_their_order_and_their_words(tmp_path: Path) -> None:
    text = (
        "monitor: {name: east}\nchannels: {hook: {type: webhook, url: 'https://h.example.org/x'}}\nroutes:\n"
        "  - {match: {severity: critical, labels.vendor: [acme, other]}, channels: hook, remind: 1h, continue: true}\n"
        "  - {match: {node: 'ct-*'}, channels: []}\ndefault_route: {channels: [hook]}\n"
    )
    estate = loaded(tmp_path, text)
    first, second = estate.routes
    assert (first.channels, first.remind, first.continue_) == (("hook",), 3600.0, True)
    assert first.match.labels == {"vendor": ("acme", "other")}
    assert (second.match.node, second.continue_) == (("ct-*",), False)
    assert estate.default_route.channels == ("hook",)
    assert list(estate.channels) == ["hook"]


def test_without_default_route_a_warning_says_that_nobody_is_told(tmp_path: Path) -> None:
    (warning,) = loaded(tmp_path, "monitor: {name: east}\n").warnings
    assert "incidents that no route matches notify no one" in warning.message


def test_what_takes_effect_later_is_a_warning_at_its_line(tmp_path: Path) -> None:
    text = (
        HEAD
        + ARCHIVE.replace("    host:", "    depends_on: [archive2]\n    host:")
        + "  archive2:\ninclude: [x.yaml]\n"
    )
    warnings = [f"{warning.line}: {warning.path}: {warning.message}" for warning in loaded(tmp_path, text).warnings]
    assert warnings == ["11: include: not acted on yet"]


def test_a_template_may_leave_out_what_its_users_say(tmp_path: Path) -> None:
    text = HEAD + "templates:\n  switch:\n    checks: {tcp: {interval: 5m}}\n"
    assert messages(tmp_path, text) == []
    assert messages(tmp_path, text.replace("interval: 5m", "prot: 22")) == [
        "5: templates.switch.checks.tcp: unknown key 'prot'; did you mean 'port'?"
    ]


def test_only_a_nodes_own_names_are_known_without_sites(tmp_path: Path) -> None:
    assert messages(tmp_path, HEAD + "nodes:\n  a: {site: anywhere}\n") == []


def test_the_monitor_stands_at_a_known_site(tmp_path: Path) -> None:
    sites = "sites: {east: {}, west: {}}\n"
    assert loaded(tmp_path, HEAD.replace("east}", "m, site: east}") + sites).monitor.site == "east"
    assert messages(tmp_path, HEAD.replace("east}", "m, site: eats}") + sites) == [
        "1: monitor.site: unknown site 'eats'; did you mean 'east'?"
    ]
    assert messages(tmp_path, HEAD.replace("east}", "m, site: anywhere}")) == []


def test_circles_are_found_once() -> None:
    edges = {"a": ["b", "c"], "b": ["a"], "c": ["c"], "d": ["a", "gone"]}
    assert circles(edges) == [("a", "b", "a"), ("c", "c")]


def test_the_demos_estate_has_no_warnings_but_that_it_has_one_pager_alone() -> None:
    (warning,) = config.load(ROOT / "monitor.yaml", {}).warnings
    assert (warning.path, warning.message[:20]) == ("routes[0].channels", "add a second channel")


def test_the_starter_is_valid_and_in_shadow_mode(tmp_path: Path) -> None:
    estate = loaded(tmp_path, config.starter())
    assert (estate.warnings, estate.monitor.paging) == ((), Paging.SHADOW)


def test_the_example_loads_but_for_the_kinds_that_do_not_exist_yet(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "monitor.example.yaml").read_text(encoding="utf-8")
    (tmp_path / "hook.secret").write_text("a long enough secret\n")
    (tmp_path / "mirth.pw").write_text("a password\n")
    (tmp_path / "holidays.ics").write_text(ICS)
    (tmp_path / "heartbeat.hl7").write_text("MSH|^~\\&|M|E|RIS|E|{timestamp}||NMD^N02|{control_id}|P|2.5\n")
    unknown = re.compile(r"(unknown (probe|channel) |neither a key of a node nor a system|no such probe)")
    environ = {"ORTHANC_PASSWORD": "x", "PAGERDUTY_KEY": "x", "WALLBOARD_TOKEN": "x"}
    said = messages(tmp_path, text, **environ)
    assert [message for message in said if not unknown.search(message)] == []
    adapted = _without_lines(text, {int(message.partition(":")[0]) for message in said})
    estate = loaded(tmp_path, adapted, **environ)
    assert {"core-switch", "archive", "ris"} == set(estate.nodes)
    assert estate.objectives[0].availability == 0.999
    assert ("ED and stroke CT" in estate.nodes["archive"].impact, 2) == (True, len(estate.routes))


def _without_lines(text: str, lines: set[int]) -> str:
    """Drops the blocks that begin on these lines, and mentions of what they define."""
    kept: list[str] = []
    dropping: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if dropping is not None and line.strip() and indent <= dropping:
            dropping = None
        if number in lines:
            dropping = indent
        if dropping is None:
            kept.append(line)
    whole = "\n".join(kept) + "\n"
    for gone in (
        "archive/dicom_store, ",
        ", ris/dicom_worklist",
        "oncall, ",
        "    escalate: [{after: 15m, channels: [am]}] ",
    ):
        whole = whole.replace(gone, "# " if "escalate" in gone else "")
    return whole


def test_problems_come_sorted_and_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "nodes:\n  a: {x: 1}\nnode: {}\n")
    lines = [problem.line for problem in caught.value.problems]
    assert lines == [1, 2, 3]


STORE = """nodes:
  archive:
    host: 10.0.0.1
    dicom: {port: 104, ae_title: ARCHIVE}
    orthanc: {url: "http://10.0.0.1:8042"}
    checks:
      dicom_store: {enabled_by: us, cleanup: orthanc, until: 2026-10-24, verify_on: [vna], copies_on: [vna]}
  vna:
    host: 10.0.0.2
    dicom: {port: 104, ae_title: VNA}
"""


def test_an_approval_ends_with_its_last_day_where_the_monitor_stands(tmp_path: Path) -> None:
    head = HEAD.replace("{name: east}", "{name: east, timezone: Europe/Berlin}")
    check = loaded(tmp_path, head + STORE).checks[CheckId("archive", "dicom_store")]
    assert check.until == round(datetime(2026, 10, 24, 22, tzinfo=UTC).timestamp()) * SECOND


def test_a_check_knows_the_nodes_that_its_settings_name(tmp_path: Path) -> None:
    estate = loaded(tmp_path, HEAD + STORE)
    assert estate.checks[CheckId("archive", "dicom_store")].others == (estate.nodes["vna"],)


def test_a_node_that_settings_name_must_be_there(tmp_path: Path) -> None:
    said = messages(tmp_path, HEAD + STORE.replace("verify_on: [vna]", "verify_on: [vma]"))
    assert said == [
        "9: nodes.archive.checks.dicom_store.verify_on[0]: unknown node 'vma'; did you mean 'vna'?",
    ]


SHARED = """nodes:
  a: {host: 127.0.0.1, max_associations: 4, dicom: {port: 104, ae_title: A}, checks: {dicom_echo: }}
  b: {host: LOCALHOST, dicom: {port: 104, ae_title: B}, checks: {dicom_echo: }}
  c: {host: "::ffff:127.0.0.1", dicom: {port: 104, ae_title: C}, checks: {dicom_echo: }}
  d: {host: 127.0.0.1, dicom: {port: 105, ae_title: D}, checks: {dicom_echo: }}
  e: {host: pacs.example.org, dicom: {port: 104, ae_title: E}, checks: {dicom_echo: }}
  f: {host: pacs.example.org, dicom: {port: 104, ae_title: F}, checks: {dicom_echo: }}
"""


def test_nodes_that_share_an_address_without_looking_like_it_are_warned_of(tmp_path: Path) -> None:
    warnings = [
        f"{warning.line}: {warning.path}: {warning.message}" for warning in loaded(tmp_path, HEAD + SHARED).warnings
    ]
    together = "a, b, c together may use at most 1 association there at once"
    assert warnings == [
        f"4: nodes.a: another node at 127.0.0.1:104 allows 1: {together}",
        f"5: nodes.b: LOCALHOST is the address of a (127.0.0.1): {together}",
        f"6: nodes.c: ::ffff:127.0.0.1 is the address of a (127.0.0.1): {together}",
    ]


@pytest.mark.parametrize(
    "check",
    [
        "tcp: {port: 104}",
        "ssh: {probe: tcp, port: 22}",
        "tls_certificate:",
        "ping:",
        "ntp:",
        "dns: {name: pacs.example.org}",
        "dicom_echo: {port: 104, ae_title: A}",
        "dicom_worklist: {port: 104, ae_title: A}",
        "reconcile: {port: 104, ae_title: A, against: archive}",
        "hl7_heartbeat: {port: 2575, enabled_by: us}",
        "snmp_interface:",
        "disk: {source: snmp}",
        "host: {source: snmp}",
    ],
)
def test_a_check_that_asks_its_node_wants_a_host(check: str, tmp_path: Path) -> None:
    text = f"{HEAD}nodes:\n  archive:\n    snmp: {{community: public}}\n    checks:\n      {check}\n"
    name = check.partition(":")[0]
    assert messages(tmp_path, text) == [
        f"4: nodes.archive: the key 'host' is missing; its check {name!r} needs an address"
    ]


@pytest.mark.parametrize(
    "check",
    [
        "http: {url: 'http://10.0.0.1'}",
        "disk: {source: local}",
        "file_age: {path: /backup/*}",
        "database: {url: 'postgresql+psycopg://10.0.0.1/pacs'}",
    ],
)
def test_a_check_that_asks_somebody_else_wants_none(check: str, tmp_path: Path) -> None:
    loaded(tmp_path, f"{HEAD}nodes:\n  archive:\n    checks:\n      {check}\n")


@pytest.mark.parametrize(
    "kind",
    [
        "dicom_worklist: {{{}}}",
        "dicom_echo: {{{}}}",
        "dicom_find: {{{}}}",
        "dicom_store: {{{}, enabled_by: us, cleanup: retention}}",
        "dicom_retrieve: {{{}, enabled_by: us, studies: 1.2.3}}",
        "study_flow: {{{}, within: 1h}}",
    ],
)
def test_port_and_title_of_a_check_are_enough_without_a_block_of_the_node(kind: str, tmp_path: Path) -> None:
    """`dicom_worklist: {port, ae_title}` is documented: the monitor's own AE title calls."""
    head = HEAD.replace("east", "east, ae_title: US")
    check = kind.format("port: 11113, ae_title: WORKLIST")
    estate = loaded(tmp_path, f"{head}nodes:\n  ris:\n    host: 10.0.0.1\n    checks:\n      {check}\n")
    [made] = estate.checks.values()
    target = target_of(made.node, made.settings)
    assert target is not None
    assert (target.address, target.called, target.calling) == (Address("10.0.0.1", 11113), "WORKLIST", "US")


@pytest.mark.parametrize("null", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_no_text(null: str, tmp_path: Path) -> None:
    """`host: null` was the host "null"; what YAML calls null is no value (YAML 1.2, 10.3.2)."""
    text = f"{HEAD}nodes:\n  archive:\n    host: {null}\n"
    assert messages(tmp_path, text) == ["5: nodes.archive.host: has no value; write one, or leave the key out"]
    loaded(tmp_path, text.replace(f"host: {null}", f"host: '{null or 'x'}'" if null != "~" else "host: x"))


def test_a_check_that_runs_too_rarely_to_tell_how_long_runs_take_is_a_warning(tmp_path: Path) -> None:
    on_time = AGREED.replace("availability: 99.9%", "measure: dicom_echo, within: 3s, share: 99.9%, per: month")
    assert "measure" in on_time
    text = HEAD + ARCHIVE.replace("dicom_echo:", "dicom_echo: {interval: 1h}") + on_time
    (warning,) = [one for one in loaded(tmp_path, text).warnings if one.path.startswith("objectives")]
    assert warning.message == (
        "shorten the interval of archive/dicom_echo: it runs every 1h, about 720 times per month, of which 99.9% leave "
        "fewer than 2 that may be slow"
    )
    often = loaded(tmp_path, text.replace("interval: 1h", "interval: 5m"))
    assert [one.path for one in often.warnings if one.path.startswith("objectives")] == []
    assert [limit.within for limit in limits_of(often)[CheckId("archive", "dicom_echo")]] == [3_000_000]


def test_a_check_that_runs_too_rarely_for_an_objective_is_a_warning(tmp_path: Path) -> None:
    text = HEAD + ARCHIVE.replace("dicom_echo:", "dicom_echo: {interval: 15m}") + AGREED
    (warning,) = [one for one in loaded(tmp_path, text).warnings if one.path.startswith("objectives")]
    assert warning.path == "objectives[0]"
    assert warning.message == (
        "shorten the interval of archive/dicom_echo, or leave the check out: it runs every 15m, so each outage is "
        "uncertain by as much; the allowance is 2 h 11 min per quarter"
    )
    often = text.replace("interval: 15m", "interval: 60s")
    assert [one.path for one in loaded(tmp_path, often).warnings if one.path.startswith("objectives")] == []
    nothing = often.replace("service: pacs", "match: {role: archiv}")
    (warning,) = [one for one in loaded(tmp_path, nothing).warnings if one.path.startswith("objectives")]
    assert (warning.path, "no check has role=archiv" in warning.message) == ("objectives[0].match", True)
