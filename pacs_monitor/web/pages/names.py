"""Names of members of closed lists, for pages: they are marked here, and said in the language of the page."""

from __future__ import annotations

from pacs_monitor.language import N_

ROLES = {"operator": N_("operator"), "viewer": N_("viewer"), "wall": N_("wall display")}
FLAGS = {"flapping": N_("flapping")}
PHASES = {
    "resolve": N_("resolve"),
    "connect": N_("connect"),
    "tls": N_("TLS"),
    "associate": N_("associate"),
    "operation": N_("operation"),
    "release": N_("release"),
}
STATUSES = {"ok": N_("ok"), "warn": N_("warning"), "fail": N_("failure"), "unknown": N_("unknown")}
"""Of a result."""
ENDINGS = {
    "resolved": N_("resolved"),
    "withdrawn": N_("withdrawn"),
    "merged": N_("merged"),
    "closed": N_("closed by hand"),
}
PROBING = {"continue": N_("continues"), "read_only": N_("reads only"), "stop": N_("stops")}
SUPPORT = {
    "phone": N_("phone"),
    "contract": N_("contract"),
    "hours": N_("hours"),
    "email": N_("email"),
    "mail": N_("mail"),
}
"""Keys of `support` that are known; any other is shown as it is."""
LEADERSHIP = {"leader": N_("leader"), "standby": N_("standby"), "fenced": N_("fenced")}
PAGING = {"on": N_("on"), "shadow": N_("shadow mode: nobody is notified"), "off": N_("off: nobody is notified")}
CLASSES = {
    "up": N_("up"),
    "degraded": N_("degraded"),
    "down": N_("down"),
    "unreachable": N_("unreachable"),
    "absent": N_("switched off"),
    "maintenance": N_("maintenance"),
    "unknown": N_("not checked"),
    "outside_hours": N_("outside hours"),
}
"""Of the seconds of a day."""
