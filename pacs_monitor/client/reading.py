"""What the daemon knows."""

from __future__ import annotations

from typing import Literal

from pacs_monitor import api
from pacs_monitor.client.transport import Transport, part

RUN_WITHIN = 120.0
"""Seconds more for a check to run, unless the caller knows its timeout."""
Form = Literal["json", "html", "csv", "pdf"]


class Reading(Transport):
    """Nothing of it changes anything, but that a check runs."""

    def status(self) -> api.Status:
        """Where everything stands now."""
        found: api.Status = self._get("/api/v1/status")
        return found

    def services(self) -> list[api.Service]:
        """What users call the PACS."""
        found: list[api.Service] = self._get("/api/v1/services")
        return found

    def node(self, node: str) -> api.Node:
        """One node and its checks."""
        found: api.Node = self._get(f"/api/v1/nodes/{part(node)}")
        return found

    def check(self, node: str, check: str) -> api.CheckInFull:
        """One check, its recent results and last failures."""
        found: api.CheckInFull = self._get(f"/api/v1/checks/{part(node)}/{part(check)}")
        return found

    def run(self, node: str, check: str, *, within: float = RUN_WITHIN) -> api.Result:
        """Run a check now, at most once in its retry_interval; `within`: seconds that the run may take."""
        found: api.Result = self._post(f"/api/v1/checks/{part(node)}/{part(check)}/run", wait=within)
        return found

    def incidents(self, *, open_only: bool = False, limit: int | None = 100) -> list[api.Incident]:
        """Incidents, the newest first; without a limit all that are on record."""
        return self._pages("/api/v1/incidents", limit, open=open_only)

    def incident(self, incident: str) -> api.IncidentInFull | api.DeclaredInFull:
        """One incident, or declared outage, with its story."""
        found: api.IncidentInFull | api.DeclaredInFull = self._get(f"/api/v1/incidents/{part(incident)}")
        return found

    def declared(self) -> list[api.Declared]:
        """Outages that people declared, the newest first."""
        found: list[api.Declared] = self._get("/api/v1/declared")
        return found

    def notifications(self, *, limit: int | None = 100) -> list[api.Notification]:
        """What was owed to channels, the newest first; without a limit all that is on record."""
        return self._pages("/api/v1/notifications", limit)

    def audit(self, *, limit: int | None = 100) -> list[api.AuditEntry]:
        """Who asked for what, the newest first; for operators. Without a limit all that is on record."""
        return self._pages("/api/v1/audit", limit)

    def changes(self, *, limit: int = 100) -> list[api.Change]:
        """Changes detected in peers, the newest first; 1,000 at most."""
        found: list[api.Change] = self._get("/api/v1/changes", limit=limit)
        return found

    def maintenance(self) -> list[api.WindowListed]:
        """Windows that are not over, by their start."""
        found: list[api.WindowListed] = self._get("/api/v1/maintenance")
        return found

    def pauses(self) -> list[api.Pause]:
        """Checks that people have paused."""
        found: list[api.Pause] = self._get("/api/v1/pauses")
        return found

    def oncall(self, *, at: str | None = None, following: int = 1) -> api.OnCall:
        """Who is on call now or at a time, by every rota, and who is next: `following` shifts."""
        found: api.OnCall = self._get("/api/v1/oncall", at=at, next=following)
        return found

    def handover(self) -> api.Handover:
        """What the next shift has to know."""
        found: api.Handover = self._get("/api/v1/handover")
        return found

    def preview(self) -> api.Preview:
        """What a reload of the configuration would change; for operators."""
        found: api.Preview = self._get("/api/v1/reload")
        return found

    def report(self, period: str = "last-quarter", form: Form = "json") -> bytes:
        """The uptime report of a period; of `csv` a zip."""
        return self._download("/api/v1/report", period=period, format=form)

    def constancy(self, period: str = "last-month", form: Form = "json", *, log: str | None = None) -> bytes:
        """The constancy log of a period; it is not made as `pdf`."""
        return self._download("/api/v1/constancy", period=period, format=form, log=log)

    def reports(self) -> list[api.FrozenReport]:
        """Frozen reports, the newest first."""
        found: list[api.FrozenReport] = self._get("/api/v1/reports")
        return found

    def document(self, number: str, form: str) -> bytes:
        """A document of a frozen report (`2026-Q3/1`), as it was frozen."""
        return self._download(report_path(number), format=form)

    def targets(self, *, site: str | None = None, probe: str | None = None) -> list[api.Target]:
        """The checks as targets for Prometheus's http_sd_configs."""
        found: list[api.Target] = self._get("/api/v1/targets", site=site, probe=probe)
        return found


def report_path(number: str) -> str:
    """The address of a frozen report."""
    period, _, revision = number.rpartition("/")
    return f"/api/v1/reports/{part(period)}/{part(revision)}"
