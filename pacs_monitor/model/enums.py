"""The closed lists: statuses, states, reasons with whose fault each is, flags."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Status(StrEnum):
    """What one run of a probe saw."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class State(StrEnum):
    """The confirmed state of a check."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    ABSENT = "absent"
    UNKNOWN = "unknown"

    @property
    def badness(self) -> int:
        """The worst is 0."""
        return _WORST_STATES.index(self)


_WORST_STATES = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.ABSENT, State.UP)
TROUBLE = frozenset({State.DEGRADED, State.DOWN})
"""What opens an incident."""


class Blame(StrEnum):
    """Whose fault a failure is. `monitor` always comes with status unknown and is never the node's downtime."""

    NODE = "node"
    NETWORK = "network"
    MONITOR = "monitor"


class Phase(StrEnum):
    """The phases of a run, timed apart."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    ASSOCIATE = "associate"
    OPERATION = "operation"
    RELEASE = "release"


class Layer(StrEnum):
    """How deep a probe tests."""

    NETWORK = "network"
    TRANSPORT = "transport"
    ASSOCIATION = "association"
    SERVICE = "service"
    STORE = "store"


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def badness(self) -> int:
        """The worst is 0."""
        return _WORST_SEVERITIES.index(self)


_WORST_SEVERITIES = tuple(Severity)


class Presence(StrEnum):
    """`intermittent`: being off is no outage (a modality at night), so unreachable is `absent`."""

    ALWAYS = "always"
    INTERMITTENT = "intermittent"


class Paging(StrEnum):
    """`shadow` records what would have been sent."""

    ON = "on"
    SHADOW = "shadow"
    OFF = "off"


class Reason(StrEnum):
    """Why a run was not ok: a closed list (a metric label); each member has a line in docs/operations.md."""

    blame: Blame

    def __new__(cls, value: str, blame: Blame) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.blame = blame
        return member

    TCP_REFUSED = "tcp_refused", Blame.NODE
    TCP_RESET = "tcp_reset", Blame.NODE
    TLS_EXPIRED = "tls_expired", Blame.NODE
    TLS_HOSTNAME = "tls_hostname", Blame.NODE
    TLS_TIMEOUT = "tls_timeout", Blame.NODE
    TLS_NOT_OFFERED = "tls_not_offered", Blame.NODE
    CLOSED_BEFORE_ACCEPT = "closed_before_accept", Blame.NODE
    CLOSED = "closed", Blame.NODE
    ACSE_TIMEOUT = "acse_timeout", Blame.NODE
    NOT_DICOM = "not_dicom", Blame.NODE
    CALLED_AET_UNKNOWN = "called_aet_unknown", Blame.NODE
    REJECTED = "rejected", Blame.NODE
    BUSY = "busy", Blame.NODE
    ABORTED_BY_PEER = "aborted_by_peer", Blame.NODE
    SOP_CLASS_REJECTED = "sop_class_rejected", Blame.NODE
    TRANSFER_SYNTAX_REJECTED = "transfer_syntax_rejected", Blame.NODE
    DIMSE_TIMEOUT = "dimse_timeout", Blame.NODE
    DIMSE_STATUS = "dimse_status", Blame.NODE
    OUT_OF_RESOURCES = "out_of_resources", Blame.NODE
    DATASET_REFUSED = "dataset_refused", Blame.NODE
    DUPLICATE = "duplicate", Blame.NODE
    QUERY_REFUSED = "query_refused", Blame.NODE
    PARTIAL = "partial", Blame.NODE
    STORED_NOT_FOUND = "stored_not_found", Blame.NODE
    CONTENT_MISMATCH = "content_mismatch", Blame.NODE
    CLEANUP_FAILED = "cleanup_failed", Blame.NODE
    TOO_FEW = "too_few", Blame.NODE
    SLOW = "slow", Blame.NODE
    NO_ACK = "no_ack", Blame.NODE
    FRAMING = "framing", Blame.NODE
    NAK_AE = "nak_ae", Blame.NODE
    NAK_AR = "nak_ar", Blame.NODE
    CONTROL_ID_MISMATCH = "control_id_mismatch", Blame.NODE
    SILENT = "silent", Blame.NODE
    OVER_LIMIT = "over_limit", Blame.NODE
    STALE = "stale", Blame.NODE
    MISSING = "missing", Blame.NODE
    HTTP_STATUS = "http_status", Blame.NODE
    BAD_CONTENT = "bad_content", Blame.NODE
    EXIT_STATUS = "exit_status", Blame.NODE
    CERTIFICATE_EXPIRING = "certificate_expiring", Blame.NODE
    EXPIRING = "expiring", Blame.NODE
    TIMEOUT = "timeout", Blame.NODE
    ABSENT = "absent", Blame.NODE

    TCP_TIMEOUT = "tcp_timeout", Blame.NETWORK
    TCP_UNREACHABLE = "tcp_unreachable", Blame.NETWORK

    DNS = "dns", Blame.MONITOR
    CALLING_AET_UNKNOWN = "calling_aet_unknown", Blame.MONITOR
    NOT_AUTHORISED = "not_authorised", Blame.MONITOR
    MOVE_DESTINATION_UNKNOWN = "move_destination_unknown", Blame.MONITOR
    AUTH = "auth", Blame.MONITOR
    TLS_UNTRUSTED = "tls_untrusted", Blame.MONITOR
    STORE_CAP = "store_cap", Blame.MONITOR
    NOT_CONFIGURED = "not_configured", Blame.MONITOR
    ISOLATED = "isolated", Blame.MONITOR
    PAUSED = "paused", Blame.MONITOR
    AWAITED = "awaited", Blame.MONITOR
    NOT_MEASURED = "not_measured", Blame.MONITOR
    PROBE_ERROR = "probe_error", Blame.MONITOR


REASONS = {reason.value: reason for reason in Reason}
"""By what is written."""
NEVER_ANSWERED = frozenset(
    {Reason.TCP_REFUSED, Reason.TCP_RESET, Reason.TCP_TIMEOUT, Reason.TCP_UNREACHABLE, Reason.TLS_TIMEOUT}
    | {Reason.ACSE_TIMEOUT, Reason.DNS}
)
"""The failures that `presence: intermittent` turns into `absent`: to resolve, to connect, or to associate in time."""

NEVER_CONNECTED = frozenset(
    {Reason.TCP_REFUSED, Reason.TCP_RESET, Reason.TCP_TIMEOUT, Reason.TCP_UNREACHABLE, Reason.DNS}
)
"""What waiting checks of the same address inherit; of these, BEHIND_PARENT is what a network parent explains."""


class Flag(StrEnum):
    """Additional findings, with any status; a closed list."""

    RELEASE_TIMEOUT = "release_timeout"
    COERCED = "coerced"
    ELEMENTS_DISCARDED = "elements_discarded"
    RESOLVED_FROM_MEMORY = "resolved_from_memory"
    INHERITED = "inherited"
    CAPPED = "capped"
    STORED_WITH_WARNING = "stored_with_warning"
    BACKSTOP = "backstop"
    SITE_UNREACHABLE = "site_unreachable"
