"""Turns monitor.yaml into an Estate, or into every error at once, each with its file, line and path."""

from pacs_monitor.config.access import Auth, ProxyAuth, Token
from pacs_monitor.config.canonical import canonical
from pacs_monitor.config.contact import Contact, read_contact
from pacs_monitor.config.diff import EstateDiff, diff, in_force
from pacs_monitor.config.document import Document, read_document
from pacs_monitor.config.estate import Estate, Origin, Route, check_facts
from pacs_monitor.config.explain import Row, explain
from pacs_monitor.config.limits import limits_of
from pacs_monitor.config.load import load
from pacs_monitor.config.problems import ConfigError, Problem
from pacs_monitor.config.recorded import NotReadableError, of_record
from pacs_monitor.config.report import ReportSettings, report_settings_of
from pacs_monitor.config.schema import schema
from pacs_monitor.config.sections import MonitorSettings, SiteSettings
from pacs_monitor.config.starter import starter
from pacs_monitor.config.then import Then, then

__all__ = [
    "Auth",
    "ConfigError",
    "Contact",
    "Document",
    "Estate",
    "EstateDiff",
    "MonitorSettings",
    "NotReadableError",
    "Origin",
    "Problem",
    "ProxyAuth",
    "ReportSettings",
    "Route",
    "Row",
    "SiteSettings",
    "Then",
    "Token",
    "canonical",
    "check_facts",
    "diff",
    "explain",
    "in_force",
    "limits_of",
    "load",
    "of_record",
    "read_contact",
    "read_document",
    "report_settings_of",
    "schema",
    "starter",
    "then",
]
