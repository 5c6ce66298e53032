"""The image's commands, one after another, by hand: where no container engine is, they run over this machine's files.

Each stage is an overlay over the root of this machine in place of the base image, with its Python as `python`; the
machine itself stays as it is. The container is the last of them: read-only, without a network, without capabilities.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.deploy.bundles import interpreter
from tests.peers.ports import program

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy" / "container"
USUAL = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LANG": "C.UTF-8"}


class Stage:
    """What the instructions of one stage come to: lines for a shell, and settings of the image."""

    def __init__(self, name: str, arguments: dict[str, str]) -> None:
        self.root, self.folder, self.user = f"$here/{name}/root", "/", "0"
        self.environment, self.arguments = dict(USUAL), dict(arguments)
        self.volumes: list[str] = []
        self.commands: dict[str, list[str]] = {}
        self.lines = [
            f'mkdir -p "$here/{name}/upper" "$here/{name}/work" "{self.root}"',
            f'cd "$here/{name}"; mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root',
            f'mount -t proc proc "{self.root}/proc"',
            f'mount --bind /dev "{self.root}/dev"',
            f'rm -rf "{self.root}/usr/local/bin/python" "{self.root}/opt/pacs-monitor"',
            f'ln -s {interpreter(10001)} "{self.root}/usr/local/bin/python"',
        ]

    def inside(self, command: str, environment: dict[str, str]) -> str:
        settings = " ".join(shlex.quote(f"{key}={value}") for key, value in environment.items())
        return f'chroot "{self.root}" env -i {settings} sh -ec {shlex.quote(f"cd {self.folder}; {command}")}'

    def take(self, word: str, rest: str) -> None:
        if word == "ARG":
            key, _, value = rest.partition("=")
            self.arguments[key] = value
        elif word == "ENV":
            pairs = (pair.partition("=") for pair in shlex.split(rest))
            self.environment |= {key: self._filled(value) for key, _, value in pairs}
        elif word == "RUN":
            self.lines.append(self.inside(rest, self.environment | self.arguments))
        elif word == "COPY":
            self._copy(rest)
        elif word == "WORKDIR":
            self.folder = rest
            self.lines.append(f'mkdir -p "{self.root}{rest}"')
        elif word == "USER":
            self.user = rest
        elif word == "VOLUME":
            self.volumes.append(rest)
        else:
            assert word in ("EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"), word
            listed = re.search(r"\[.*\]", rest)
            self.commands[word] = json.loads(listed[0]) if listed else [rest]

    def _filled(self, value: str) -> str:
        return value.replace("$PATH", self.environment["PATH"])

    def _copy(self, rest: str) -> None:
        *sources, target = shlex.split(rest)
        of = ROOT.as_posix()
        if sources[0].startswith("--from="):
            of = f"$here/{sources.pop(0).removeprefix('--from=')}/root"
        to = target if target.startswith("/") else f"{self.folder}/{target}"
        self.lines.append(f'mkdir -p "{self.root}$(dirname {to.rstrip("/")}/x)"' if target.endswith("/") else
                          f'mkdir -p "{self.root}$(dirname {to})"')  # fmt: skip
        self.lines += [f'cp -a "{of}/{source.lstrip("/")}" "{self.root}{to}"' for source in sources]


def stages() -> list[Stage]:
    text = re.sub(r"(?m)^#.*\n", "", (HERE / "Containerfile").read_text()).replace("\\\n", "")
    found: list[Stage] = []
    arguments: dict[str, str] = {}
    for word, _, rest in (line.partition(" ") for line in text.splitlines() if line.strip()):
        if word == "FROM":
            found.append(Stage(rest.partition(" AS ")[2] or "image", {}))
        elif found:
            found[-1].take(word, rest.strip())
        else:
            arguments[word] = rest
    return found


RUN = """
mkdir -p "{root}/etc/pacs-monitor" "{root}/run/secrets"
mount --bind "{here}/monitor" "{root}/etc/pacs-monitor"
mount --bind "{here}/secrets" "{root}/run/secrets"
mount -t tmpfs tmpfs "{root}/tmp"
mkdir "$here/volume"
chown --reference "{root}{volume}" "$here/volume"
chmod 0700 "$here/volume"
mount --bind "$here/volume" "{root}{volume}"
mount -o remount,ro "{root}"
ip link set lo up
as_container="setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
inside() {{ exec chroot "{root}" env -i {environment} $as_container "$@"; }}
( inside sh -c 'touch /opt/written 2>/dev/null && echo the root can be written; id -u' )
( inside {check} )
( cd "{root}"; inside {run} ) >"$here/log" 2>&1 &
daemon=$!
for attempt in $(seq 120); do
    ( inside {healthcheck} ) 2>/dev/null && echo healthy && break
    kill -0 $daemon
    sleep 1
done
kill -TERM $daemon
wait $daemon && echo ended by itself
cat "$here/log"
ls "$here/volume"
"""


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_what_the_containerfile_says_makes_an_image_that_runs_read_only_as_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "container"
    folder.mkdir()
    (folder / "make-secrets").write_bytes((HERE / "make-secrets").read_bytes())
    subprocess.run(["sh", folder / "make-secrets"], check=True, capture_output=True)
    (folder / "monitor").mkdir(mode=0o755)
    (folder / "monitor" / "monitor.yaml").write_bytes((HERE / "monitor" / "monitor.yaml").read_bytes())
    built = stages()
    image = built[-1]
    lines = [f"here={tmp_path}", "mount --make-rprivate /", *(line for stage in built for line in stage.lines)]
    values = {
        "here": folder, "root": image.root, "user": image.user, "volume": image.volumes[0],
        "environment": " ".join(shlex.quote(f"{key}={value}") for key, value in image.environment.items()),
        "check": shlex.join([*image.commands["ENTRYPOINT"], "check-config"]),
        "run": shlex.join([*image.commands["ENTRYPOINT"], *image.commands["CMD"]]),
        "healthcheck": shlex.join(image.commands["HEALTHCHECK"]),
    }  # fmt: skip
    (tmp_path / "build.sh").write_text("\n".join(lines))
    (tmp_path / "run.sh").write_text(RUN.format(**values))
    script = f". {tmp_path}/build.sh\nexport here\nexec unshare --net sh -ec '. {tmp_path}/run.sh'"
    done = subprocess.run(
        [program("unshare", "util-linux"), "--mount", "sh", "-ec", script],
        check=False, capture_output=True, text=True, timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert f"\n{image.user}\n" in f"\n{done.stdout}"
    assert "the root can be written" not in done.stdout
    assert "monitor.yaml: no errors" in done.stdout
    assert "\nhealthy\nended by itself\n" in done.stdout
    assert "monitoring 1 check of 1 node, paging shadow" in done.stdout
    assert "pacs-monitor.db" in done.stdout


def test_every_instruction_of_the_containerfile_is_understood() -> None:
    build, image = stages()
    assert image.commands["ENTRYPOINT"] == ["pacs-monitor"]
    assert image.environment["PATH"].startswith("/opt/pacs-monitor/bin:/usr/local")
    assert sum("pip" in line for line in build.lines) >= 1
