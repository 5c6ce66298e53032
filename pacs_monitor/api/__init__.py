"""What the HTTP API answers, as types that the web, the client and scripts share.

They describe; nothing is validated with them at run time, so that a newer daemon may say more than an older client
knows. The OpenAPI document is made of them (docs/openapi.json).
"""

from pacs_monitor.api.board import (
    ChannelHealth,
    Check,
    CheckInFull,
    Node,
    OpenIncident,
    Preview,
    Pushed,
    Reload,
    Service,
    Status,
    Target,
)
from pacs_monitor.api.common import Refusal, Stated, StoryLine
from pacs_monitor.api.incidents import (
    Declared,
    DeclaredInFull,
    DeclaredSaid,
    EvidenceSaid,
    Incident,
    IncidentInFull,
    Notification,
    Said,
)
from pacs_monitor.api.oncall import Handover, OnCall
from pacs_monitor.api.plans import Pause, PauseSaid, Resumed, Window, WindowCounts, WindowListed, WindowSaid
from pacs_monitor.api.records import AuditEntry, Change, ExplanationSaid, Replied, ReplyRefused, Tried
from pacs_monitor.api.reports import FrozenNow, FrozenReport
from pacs_monitor.api.results import Measurement, Result

__all__ = [
    "AuditEntry",
    "Change",
    "ChannelHealth",
    "Check",
    "CheckInFull",
    "Declared",
    "DeclaredInFull",
    "DeclaredSaid",
    "EvidenceSaid",
    "ExplanationSaid",
    "FrozenNow",
    "FrozenReport",
    "Handover",
    "Incident",
    "IncidentInFull",
    "Measurement",
    "Node",
    "Notification",
    "OnCall",
    "OpenIncident",
    "Pause",
    "PauseSaid",
    "Preview",
    "Pushed",
    "Refusal",
    "Reload",
    "Replied",
    "ReplyRefused",
    "Result",
    "Resumed",
    "Said",
    "Service",
    "Stated",
    "Status",
    "StoryLine",
    "Target",
    "Tried",
    "Window",
    "WindowCounts",
    "WindowListed",
    "WindowSaid",
]
