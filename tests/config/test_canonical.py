"""The configuration as the record keeps it: whole, the same for the same, and without any secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr

from pacs_monitor import channels, probes, systems
from pacs_monitor.config import Estate, MonitorSettings, canonical
from pacs_monitor.config.explain import HIDDEN
from pacs_monitor.fields import is_command
from pacs_monitor.model import Check, CheckId, Node, Thresholds
from tests.support.estates import ARCHIVE, loaded

SECRET = "hunter2-hunter2"
HOOK = f'{{type: webhook, url: "https://hooks.example.org/{SECRET}", secret: {SECRET}, headers: {{X-Key: {SECRET}}}}}'
TEXT = f"""monitor:
  name: east
  database: postgresql+psycopg://pacs:{SECRET}@db.example.org/pacs
  allow: [archive/script, archive/count]
  auth: {{tokens: [{{name: wall, role: viewer, token: {SECRET}}}, {{name: oncall, role: operator, token_file: t}}]}}
  heartbeat: {{url: "https://dead-man.example.org/{SECRET}"}}
default_route: {{channels: [hook]}}
channels:
  hook: {HOOK}
nodes:
  archive:
    host: 10.0.0.1
    impact: "look at https://viewer:{SECRET}@viewer.example.org/?token={SECRET}"
    support: {{portal: "https://me:with@{SECRET}@support.example.org"}}
    dicom: {{port: 104, ae_title: ARCHIVE}}
    orthanc: {{url: "http://10.0.0.1:8042", username: monitor, password: "${{ORTHANC}}"}}
    checks:
      dicom_echo: {{interval: 2m}}
      web: {{probe: http, url: "https://10.0.0.1", path: "/?key={SECRET}", headers: {{Authorization: "${{ORTHANC}}"}}}}
      script: {{probe: exec, command: [/bin/check, -p, {SECRET}], environment: {{PASSWORD: {SECRET}}}}}
      count: {{probe: database, url: "postgresql+psycopg://u:{SECRET}@db.example.org/x"}}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    (tmp_path / "t").write_text(SECRET)
    return loaded(tmp_path, TEXT, ORTHANC=SECRET)


def test_what_is_in_force_is_there_whole(estate: Estate) -> None:
    found = json.loads(canonical(estate))
    archive = found["nodes"]["archive"]
    assert archive["checks"]["dicom_echo"]["interval"] == 120
    assert archive["checks"]["dicom_echo"]["probe"] == "dicom_echo"
    assert archive["checks"]["script"]["settings"]["command"] == ["/bin/check", HIDDEN, HIDDEN]
    assert archive["checks"]["script"]["settings"]["environment"] == {"PASSWORD": HIDDEN}
    assert archive["dicom"]["ae_title"] == "ARCHIVE"
    assert archive["support"] == {"portal": f"https://{HIDDEN}@support.example.org"}
    assert found["channels"]["hook"]["type"] == "webhook"
    assert found["monitor"]["name"] == "east"
    assert found["default_route"]["channels"] == ["hook"]
    assert "<" not in canonical(estate).decode()


def test_the_same_configuration_says_the_same_in_whatever_order_it_is_written(tmp_path: Path) -> None:
    one = loaded(tmp_path, f"monitor: {{name: east, paging: off}}\ndefault_route: {{channels: []}}\n{ARCHIVE}")
    two = loaded(tmp_path, f"{ARCHIVE}default_route: {{channels: []}}\nmonitor: {{paging: off, name: east}}\n")
    assert canonical(one) == canonical(two)
    assert canonical(one) != canonical(loaded(tmp_path, f"monitor: {{name: west}}\n{ARCHIVE}"))


def settings() -> Iterator[type[BaseModel]]:
    yield from (probe.settings for probe in probes.kinds().values())
    yield from (kind.settings for kind in channels.kinds().values())
    yield from (kind.settings for kind in systems.kinds().values())
    yield MonitorSettings


def planted(annotation: Any) -> Any:
    """A value of this type with a secret wherever one may stand."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return planted(args[0])
    if origin in (Union, UnionType):
        return next((found for arg in args if (found := planted(arg)) is not None), None)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"name": planted(args[1])}
    if origin in (tuple, list, frozenset):
        return origin((planted(args[0]),))
    if annotation is SecretStr:
        return SecretStr(SECRET)
    if annotation is str:
        return f"https://me:{SECRET}@host/?key={SECRET}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return filled(annotation)
    return None


def filled(model: type[BaseModel]) -> BaseModel:
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        values[name] = SECRET if not field.repr else planted(field.annotation)
        if is_command(field):
            values[name] = ("/bin/check", SECRET)
    return model.model_construct(**values)


@pytest.mark.parametrize("model", list(settings()), ids=lambda model: model.__name__)
def test_no_setting_of_any_kind_shows_its_secret(model: type[BaseModel]) -> None:
    node = Node("archive", support={"portal": f"https://me:{SECRET}@host"}, systems={"any": filled(model)})
    probe = probes.kinds()["dicom_echo"]
    check = Check(CheckId("archive", "one"), node, probe, filled(model), 60.0, 10.0, 10.0, Thresholds())
    estate = Estate(
        Path("monitor.yaml"),
        "0" * 64,
        MonitorSettings(name="east"),
        nodes={"archive": node},
        checks={check.id: check},
        channel_settings={"any": ("any", filled(model))},
    )
    said = canonical(estate).decode()
    assert SECRET not in said
    assert HIDDEN in said
