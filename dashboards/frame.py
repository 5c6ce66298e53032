"""What all dashboards have alike: variables, annotations, links to each other and to the monitor's own pages."""

from __future__ import annotations

from dashboards.panels import SOURCE, Json

TAG = "pacs-monitor"
OURS = 'site=~"$site", node=~"$node"'
"""Selects the series of the chosen nodes; a role is chosen by the nodes that have it."""
CHECK_LINK = "${monitor}/checks/${__data.fields.node}/${__data.fields.check}"
NODE_LINK = "${monitor}/nodes/${__data.fields.node}"


def dashboard(
    uid: str,
    title: str,
    description: str,
    panels: list[Json],
    *,
    nodes: bool = True,
    path: str = "/",
    since: str = "now-6h",
) -> Json:
    """`nodes`: whether it can be narrowed down to sites, roles and nodes; `path` of our own page about the same."""
    link = {"icon": "external link", "tooltip": "", "includeVars": True, "keepTime": True}
    others = {"title": "PACS dashboards", "type": "dashboards", "tags": [TAG], "asDropdown": True, "targetBlank": False}
    own = {"title": "Open the monitor", "type": "link", "url": "${monitor}" + path, "targetBlank": True, "tags": []}
    alone = {"asDropdown": False, "includeVars": False, "keepTime": False}
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "timezone": "",
        "time": {"from": since, "to": "now"},
        "links": [link | others, link | own | alone],
        "annotations": {"list": _annotations(nodes=nodes)},
        "templating": {"list": _variables(nodes=nodes)},
        "panels": panels,
    }


def _annotations(*, nodes: bool) -> list[Json]:
    maintenance = f"pacs_node_maintenance{{{OURS}}} == 1" if nodes else "pacs_node_maintenance == 1"
    return [
        _annotation("Open incidents", "red", "pacs_incidents_open > 0", "open incidents: {{severity}}"),
        _annotation("Maintenance", "purple", maintenance, "maintenance of {{node}}"),
        _annotation(
            "Configuration loaded",
            "blue",
            "pacs_config_info unless pacs_config_info offset 1m",
            "configuration {{hash}}",
        ),
    ]


def _annotation(name: str, color: str, expr: str, text: str) -> Json:
    shown = {"enable": True, "hide": False, "iconColor": color, "titleFormat": text}
    return {"name": name, "datasource": SOURCE, "target": {"refId": "A", "expr": expr, "interval": "60s"}, **shown}


def _variables(*, nodes: bool) -> list[Json]:
    url = {"name": "monitor", "label": "Address of the monitor", "type": "textbox", "query": "http://127.0.0.1:9741"}
    current = {"current": {"text": url["query"], "value": url["query"]}}
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    found: list[Json] = [
        source | {"refresh": 1, "multi": False, "includeAll": False, "current": {"text": "default", "value": "default"}}
    ]
    if nodes:
        found += [
            _query("site", "Site", "label_values(pacs_check_state, site)", ".*"),
            _query("role", "Role", 'label_values(pacs_check_info{site=~"$site"}, role)', ".*"),
            _query("node", "Node", 'label_values(pacs_check_info{site=~"$site", role=~"$role"}, node)'),
        ]
    return [*found, url | current]


def _query(name: str, label: str, definition: str, everything: str | None = None) -> Json:
    """Without `everything`, All stands for the values there are: so the nodes of the chosen roles."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": definition, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        **({"allValue": everything} if everything else {}),
        "current": {"text": ["All"], "value": ["$__all"]},
    }
