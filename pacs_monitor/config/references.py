"""What one part of the configuration says of another: names that must exist, circles, and who may listen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC

from pacs_monitor import probes
from pacs_monitor.config.agreed import ServiceSettings
from pacs_monitor.config.blocks import CheckDraft
from pacs_monitor.config.draft import Draft, Piece
from pacs_monitor.config.errors import unknown_name
from pacs_monitor.config.maintenance import MaintenanceSettings
from pacs_monitor.config.members import NodeSettings
from pacs_monitor.config.problems import Path
from pacs_monitor.config.sections import (
    DefaultRoute,
    MonitorSettings,
    RouteSettings,
)
from pacs_monitor.config.tree import Branch, Items, Tree, at
from pacs_monitor.config.validate import Validator
from pacs_monitor.config.values import is_loopback
from pacs_monitor.fields import Match, nodes_named
from pacs_monitor.model import Paging, Presence, Severity
from pacs_monitor.services import is_check

_GLOB = frozenset("*?[")


def check_references(validator: Validator, draft: Draft) -> None:
    """Report every name that does not exist, every circle, and what must not go together."""
    _Checker(validator, draft).run()


class _Checker:
    def __init__(self, validator: Validator, draft: Draft) -> None:
        self.reader, self.draft = validator, draft
        sections = ("nodes", "channels", "sites", "calendars", "services", "templates", "oncall")
        self.known: dict[str, frozenset[str]] = {section: draft.names(section) for section in sections}
        self.checks = draft.check_names()

    def run(self) -> None:
        if self.draft.monitor:
            self._monitor(self.draft.monitor)
        for calendar in self.draft.calendars.values():
            self._named("calendars", calendar.settings.outside_of, calendar.tree, calendar.path, "not")
        for site in self.draft.sites.values():
            self._named("calendars", site.settings.calendar, site.tree, site.path, "calendar")
        for node in self.draft.nodes.values():
            self._node(node.settings, node.tree, node.path)
        for check in self.draft.all_checks():
            self._named("calendars", check.common.calendar, check.tree, check.path, "calendar")
            for key, names in nodes_named(check.own).items():
                self._each("node", self.known["nodes"], names, check.tree, check.path, key)
        for service in self.draft.services.values():
            self._service(service)
        self._alerting()
        self._agreements()
        self._constancy()
        self._circles()

    def _circles(self) -> None:
        depends = {
            name: tuple(parent for entry in node.settings.depends_on for parent in entry)
            for name, node in self.draft.nodes.items()
        }
        for circle in circles(depends):
            node = self.draft.nodes[circle[0]]
            self._error(node.tree, node.path, ("depends_on",), f"is circular: {' -> '.join(circle)}")
        fallbacks = {
            name: (said.fallback.channel,)
            for name, channel in self.draft.channels.items()
            if (said := channel.common.settings).fallback
        }
        for circle in circles(fallbacks):
            common = self.draft.channels[circle[0]].common
            self._error(
                common.tree,
                common.path,
                ("fallback", "channel"),
                f"name another channel: {' -> '.join(circle)} is a circle",
            )
        outside = {name: tuple(filter(None, [c.settings.outside_of])) for name, c in self.draft.calendars.items()}
        for circle in circles(outside):
            calendar = self.draft.calendars[circle[0]]
            self._error(calendar.tree, calendar.path, ("not",), f"is circular: {' -> '.join(circle)}")

        members = {name: tuple(service.settings.members) for name, service in self.draft.services.items()}
        for circle in circles(members):
            service = self.draft.services[circle[0]]
            self._error(service.tree, service.path, (), f"is circular: {' -> '.join(circle)}")

    def _monitor(self, monitor: Piece[MonitorSettings]) -> None:
        settings, tree, path = monitor.settings, monitor.tree, monitor.path
        guarded = {f"channels/{name}" for name in self.known["channels"]}
        self._each("check", self.checks | guarded, settings.allow, tree, path, "allow")
        self._programs(settings.allow)
        self._site(settings.site, tree, path)
        host, port = settings.listen
        if settings.auth is None and not is_loopback(host):
            message = f"set monitor.auth, or listen on 127.0.0.1:{port}: other machines can reach {host}"
            self._error(tree, path, ("listen",), message)

        for n, token in enumerate(settings.auth.tokens if settings.auth else ()):
            here = ("auth", "tokens", n)
            self._each("check", self.checks, _plain(token.checks), tree, path, *here, "checks")
            if token.role == "reporter" and not token.checks:
                message = "limit it to its own checks with checks: [node/check]; it may report for every push check now"
                self.reader.warn(at(tree, here).mark, (*path, *here), message)

    def _programs(self, allow: Collection[str]) -> None:
        """A channel that may not run its program would take pages nowhere: the configuration is refused."""
        for name, channel in self.draft.channels.items():
            if getattr(channel.kind, "needs_allowing", False) and f"channels/{name}" not in allow:
                message = f"add 'channels/{name}' to monitor.allow: it runs a program with the monitor's rights"
                self._error(channel.common.tree, channel.common.path, ("type",), message)

    def _node(self, settings: NodeSettings, tree: Tree, path: Path) -> None:
        self._site(settings.site, tree, path)
        self._named("calendars", settings.calendar, tree, path, "calendar")
        self._expected(settings, tree, path)
        self._parents(settings, tree, path)
        self._each("template", self.known["templates"], settings.use, tree, path, "use")

    def _site(self, name: str, tree: Tree, path: Path) -> None:
        if self.known["sites"]:  # without the section, a site is a word like any other
            self._named("sites", name, tree, path, "site")

    def _expected(self, settings: NodeSettings, tree: Tree, path: Path) -> None:
        self._named("calendars", settings.expected, tree, path, "expected")
        for key in ("expected", "absent_for"):
            if getattr(settings, key) is not None and settings.presence is Presence.ALWAYS:
                self._error(tree, path, (key,), "is for presence: intermittent; a node that is always on fails at once")
                return
        site = self.draft.sites.get(settings.site)
        if settings.absent_for is not None and not (settings.expected or (site and site.settings.calendar)):
            self._error(tree, path, ("absent_for",), "needs expected: CALENDAR, or a site with a calendar")

    def _parents(self, settings: NodeSettings, tree: Tree, path: Path) -> None:
        """A name, `{any: [names]}`, or a list of both."""
        for n, entry in enumerate(settings.depends_on):
            place: Path = ("depends_on", n)
            if isinstance(at(tree, place), Branch):
                self._each("node", self.known["nodes"], entry, tree, path, *place, "any")
            elif entry[0] not in self.known["nodes"]:
                place = place if isinstance(at(tree, ("depends_on",)), Items) else ("depends_on",)
                self._error(tree, path, place, unknown_name("node", entry[0], self.known["nodes"]))

    def _service(self, service: Piece[ServiceSettings]) -> None:
        others = self.known["services"] - {service.path[-1]}
        for key in ("all", "any", "of"):
            for n, name in enumerate(getattr(service.settings, key)):
                what, known = ("check", self.checks) if is_check(name) or not others else ("service", others)
                if name not in self.checks | self.known["services"]:
                    self._error(service.tree, service.path, (key, n), unknown_name(what, name, known))

    def _alerting(self) -> None:
        for route in self.draft.routes:
            self._route(route)
            self._match(route.settings.match, route.tree, route.path)
        if self.draft.default_route:
            self._route(self.draft.default_route)
        for oncall in self.draft.oncall.values():
            names = oncall.settings.otherwise
            self._each("channel", self.known["channels"], names, oncall.tree, oncall.path, "otherwise")
        for channel in self.draft.channels.values():
            common = channel.common
            if common.settings.fallback:
                self._named(
                    "channels", common.settings.fallback.channel, common.tree, common.path, "fallback", "channel"
                )
        if self.draft.handover:
            shift = self.draft.handover
            self._each("channel", self.known["channels"], shift.settings.channels, shift.tree, shift.path, "channels")
        for report in self.draft.reports.values():
            names = report.settings.channels
            self._each("channel", self.known["channels"], names, report.tree, report.path, "channels")
        monitor = self.draft.monitor
        if monitor and monitor.settings.paging is not Paging.OFF and "default_route" not in self.draft.root.entries:
            message = "write default_route: {channels: […]}: incidents that no route matches notify no one"
            self.reader.warn(self.draft.root.mark, (), message)

    def _route(self, route: Piece[DefaultRoute] | Piece[RouteSettings]) -> None:
        settings, tree, path = route.settings, route.tree, route.path
        self._each("channel", self.known["channels"], settings.channels, tree, path, "channels")
        self._each("oncall", self.known["oncall"], settings.oncall, tree, path, "oncall")
        self._named("calendars", settings.calendar, tree, path, "calendar")
        for n, step in enumerate(settings.escalate):
            self._each("oncall", self.known["oncall"], step.oncall, tree, path, "escalate", n, "oncall")
            self._each("channel", self.known["channels"], step.channels, tree, path, "escalate", n, "channels")

    def _agreements(self) -> None:
        read: set[str] = set()
        for window in self.draft.maintenance:
            if window.settings.ical is not None and window.settings.name in read:
                self._error(window.tree, window.path, ("name",), "write another name: a calendar before has this one")
            read |= {window.settings.name} if window.settings.ical is not None else set()
            self._match(window.settings.match, window.tree, window.path)
            notify = window.settings.notify
            self._named("channels", notify, window.tree, window.path, "notify")
            self._begins(window)
        names: set[str] = set()
        for agreed in self.draft.objectives:
            if agreed.settings.name in names:
                self._error(agreed.tree, agreed.path, ("name",), "write another name: an objective before has this one")
            names.add(agreed.settings.name)
            self._named("services", agreed.settings.service, agreed.tree, agreed.path, "service")
            self._named("calendars", agreed.settings.calendar, agreed.tree, agreed.path, "calendar")
            self._match(agreed.settings.match or Match(), agreed.tree, agreed.path)
        for table in self.draft.tables:
            self._each("template", self.known["templates"], table.settings.use, table.tree, table.path, "use")

    def _constancy(self) -> None:
        """A log proves that images have arrived, so each of its checks must verify what it stores."""
        written = {str(check.id): check for check in self.draft.all_checks()}
        names: set[str] = set()
        for log in self.draft.constancy:
            settings, tree, path = log.settings, log.tree, log.path
            if settings.name in names:
                self._error(tree, path, ("name",), "write another name: a constancy log before has this one")
            names.add(settings.name)
            self._named("calendars", settings.calendar, tree, path, "calendar")
            self._each("check", self.checks, settings.checks, tree, path, "checks")
            for n, name in enumerate(settings.checks):
                if name in written and (problem := _unproving(written[name])):
                    here = ("checks", n) if isinstance(at(tree, ("checks",)), Items) else ("checks",)
                    self._error(tree, path, here, problem)

    def _begins(self, window: Piece[MaintenanceSettings]) -> None:
        """A start that its own rule leaves out (RFC 5545 3.8.5.3: what comes of that is not defined)."""
        settings = window.settings
        if settings.rrule is None or settings.start is None:
            return
        from pacs_monitor.recurrence import Recurrence  # noqa: PLC0415 - few configurations need dateutil

        late = Recurrence(settings.rrule, settings.start, UTC).begins_late
        if late is not None:
            message = f"its rrule leaves out the start; the first time is {late:%Y-%m-%d %H:%M}"
            self.reader.warn(at(window.tree, ("start",)).mark, (*window.path, "start"), message)

    def _match(self, match: Match, tree: Tree, path: Path) -> None:
        """A match that names what does not exist would never hold, and nobody would be notified."""
        closed: dict[str, Collection[str]] = {
            "node": self.known["nodes"],
            "probe": probes.kinds().keys(),
            "severity": [severity.value for severity in Severity],
            "presence": [presence.value for presence in Presence],
        }
        for key, known in closed.items():
            self._each(key, known, _plain(getattr(match, key)), tree, path, "match", key)

    def _named(self, section: str, name: str | None, tree: Tree, path: Path, *keys: str) -> None:
        self._each(section.removesuffix("s"), self.known[section], [name] if name else [], tree, path, *keys)

    def _each(
        self, what: str, known: Collection[str], names: Iterable[str], tree: Tree, path: Path, *keys: str | int
    ) -> None:
        for n, name in enumerate(names):
            if name not in known:
                here = (*keys, n) if at(tree, (*keys, n)) is not at(tree, keys) else keys
                self._error(tree, path, here, unknown_name(what, name, known))

    def _error(self, tree: Tree, path: Path, keys: Path, message: str) -> None:
        self.reader.error(at(tree, keys).mark, (*path, *keys), message)


def _unproving(check: CheckDraft) -> str:
    """Why a check proves no arrival; empty if it does."""
    from pacs_monitor.stores.settings import StoreSettings  # noqa: PLC0415 - it imports pydicom, and few need it

    if not isinstance(check.own, StoreSettings):
        return f"name a check that stores and verifies, such as dicom_store: {check.id} is a {check.probe.kind}"
    return f"set verify: find at {check.id}: verify: none proves no arrival" if check.own.verify == "none" else ""


def _plain(names: Iterable[str]) -> list[str]:
    """Those that are no globs."""
    return [name for name in names if not _GLOB.intersection(name)]


def circles(edges: Mapping[str, Collection[str]]) -> list[tuple[str, ...]]:
    """Each circle once, from its first name in the order of `edges` back to it."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in edges:
        if start not in done:
            found += _circles_from(start, edges, done)
    return found


def _circles_from(start: str, edges: Mapping[str, Collection[str]], done: set[str]) -> list[tuple[str, ...]]:
    found = []
    way = {start: iter(edges[start])}
    while way:
        here = next(reversed(way))
        step = next(way[here], None)
        if step is None:
            del way[here]
            done.add(here)
        elif step in way:
            names = list(way)
            found.append((*names[names.index(step) :], step))
        elif step in edges and step not in done:
            way[step] = iter(edges[step])
    return found
