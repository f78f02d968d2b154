"""The compose files, without an engine: read as compose reads them, and held against what they refer to."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from normviz.__main__ import _parser
from normviz.player import Settings
from normviz.store import Server
from tests.containers.images import ROOT, stages
from tests.containers.proxies import free_port, running

ONE = ("compose.yaml",)
CLUSTER = ("compose.yaml", "deploy/compose.cluster.yaml")
EACH = pytest.mark.parametrize("files", [ONE, CLUSTER], ids=["one machine", "cluster"])
FIELDS = {
    "image", "build", "command", "environment", "env_file", "read_only", "tmpfs", "cap_drop", "cap_add",
    "security_opt", "init", "mem_limit", "pids_limit", "restart", "stop_grace_period", "logging",
    "depends_on", "user", "ports", "volumes", "profiles", "healthcheck", "networks", "secrets",
}  # fmt: skip
"""Of a service, in the compose specification."""


_PLACE = re.compile(r"\$(?:(?P<sign>\$)|\{(?P<name>\w+):-(?P<default>[^}]*)\}|(?P<wrong>.?))")


def composed(files: tuple[str, ...] = ONE, **environment: str) -> dict[str, Any]:
    """The files with their variables filled in, each one laid over those before it."""

    def fill(found: re.Match[str]) -> str:
        assert found["wrong"] is None, "each variable has a default"
        return "$" if found["sign"] else environment.get(found["name"]) or found["default"]

    def filled(told: Any) -> Any:
        if isinstance(told, dict):
            return {name: filled(one) for name, one in told.items()}
        if isinstance(told, list):
            return [filled(one) for one in told]
        return _PLACE.sub(fill, told) if isinstance(told, str) else told

    whole: dict[str, Any] = {}
    for name in files:
        whole = _over(whole, filled(yaml.safe_load(_shipped(name))))
    return whole


def _over(below: Any, above: Any) -> Any:
    """What compose makes of a value in two files; dependencies have a long form."""
    if isinstance(below, dict) and isinstance(above, list):
        above = {name: {"condition": "service_started"} for name in above}
    if isinstance(below, dict):
        both = {name: _over(below[name], above[name]) for name in below.keys() & above.keys()}
        return below | above | both
    return below + above if isinstance(below, list) else above


@EACH
def test_every_field_is_one_of_the_specification(files: tuple[str, ...]) -> None:
    told = composed(files)
    assert set(told) <= {"name", "services", "volumes", "networks", "secrets", "configs"}
    for service in told["services"].values():
        assert set(service) <= FIELDS
        assert re.fullmatch(r"\d+[smh]", service.get("stop_grace_period", "1s"))
        for name, value in (service.get("environment") or {}).items():
            assert isinstance(value, str), f"{name} must be quoted"


@EACH
def test_what_it_refers_to_is_there(files: tuple[str, ...]) -> None:
    told = composed(files)
    arguments = {rest.partition("=")[0] for stage in stages() for name, rest in stage if name == "ARG"}
    for service in told["services"].values():
        assert ("build" in service) or ":" in service["image"], "an image of others has its version"
        if "build" in service:
            assert (ROOT / service["build"]["context"] / "Dockerfile").is_file()
            assert set(service["build"]["args"]) <= arguments
        assert set(service.get("depends_on", ())) <= set(told["services"])
        assert set(service.get("secrets", ())) <= set(told.get("secrets", ()))
        for volume in service.get("volumes", ()):
            source, *_ = volume.split(":")
            assert source in told["volumes"] or (source.startswith("./") and (ROOT / source).is_file())


def test_its_variables_reach_what_they_are_for() -> None:
    told = composed(SITE="lab.example.org", TORCH_INDEX="file:///cpu", MEMORY="2g")
    app, proxy = told["services"]["normviz"], told["services"]["proxy"]
    assert (app["build"]["args"]["TORCH_INDEX"], app["mem_limit"]) == ("file:///cpu", "2g")
    assert proxy["environment"]["SITE"] == "lab.example.org"
    assert proxy["depends_on"] == {"normviz": {"condition": "service_healthy"}}
    assert any(name == "HEALTHCHECK" for name, _ in stages()[-1])


@EACH
def test_only_the_proxy_is_reached_from_outside_and_it_finds_the_app(files: tuple[str, ...]) -> None:
    services = composed(files)["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    proxied = re.search(r"dynamic a \{\$APP_HOST:(\w+)\} \{\$APP_PORT:(\d+)\}", _shipped("deploy/Caddyfile"))
    assert proxied
    assert proxied[1] in services
    (exposed,) = [rest for name, rest in stages()[-1] if name == "EXPOSE"]
    assert proxied[2] == exposed
    assert services["normviz"]["environment"]["FORWARDED_ALLOW_IPS"] == "*", "the app believes the proxy"


@EACH
def test_none_runs_with_rights_that_it_does_not_need(files: tuple[str, ...]) -> None:
    for name, service in composed(files)["services"].items():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
        assert service["restart"] == "unless-stopped"


@EACH
def test_its_variables_are_documented(files: tuple[str, ...]) -> None:
    text = _shipped("docs/operating.md") + _shipped("docs/cluster.md")
    for name in {name for file in files for name in re.findall(r"\$\{(\w+)", _shipped(file))}:
        assert re.search(rf"\b{name}\b", text), name
    (settings,) = composed(files)["services"]["normviz"]["env_file"]
    assert settings == {"path": "normviz.env", "required": False}
    assert settings["path"] in text


# --- the cluster's --------------------------------------------------------------------------------


def test_replicas_and_workers_meet_at_the_redis_of_the_file(tmp_path: Path) -> None:
    services = composed(CLUSTER)["services"]
    (tmp_path / "redis").write_text("secret\n")
    shared = None
    for name in ("normviz", "worker"):
        told = services[name]["environment"]
        known = {knob.label for _, knob, _ in Settings.knobs()} | {"FORWARDED_ALLOW_IPS"}
        assert set(told) <= known
        assert told["NORMVIZ_REDIS_PASSWORD_FILE"] == "/run/secrets/redis"
        assert services[name]["secrets"] == ["redis"]
        settings = Settings.from_environment(told | {"NORMVIZ_REDIS_PASSWORD_FILE": str(tmp_path / "redis")})
        assert settings.engine == "redis"
        host, port = settings.server.place.split(":")
        assert (services[host]["image"].partition(":")[0], port) == ("redis", "6379")
        assert host in services[name]["depends_on"]
        assert shared in (None, settings.redis_keep)
        shared = settings.redis_keep
    python, *words = services["worker"]["command"]
    assert (python, words[:2]) == ("python", ["-m", "normviz"])
    assert _parser().parse_args(words[2:]).command == "worker"
    assert services["worker"]["healthcheck"] == {"disable": True}, "the image's asks a web server"
    assert services["worker"]["build"] == services["normviz"]["build"], "one source"


def test_its_redis_asks_for_the_password_and_makes_room_by_itself(tmp_path: Path) -> None:
    secret = tmp_path / "redis"
    secret.write_text("a word; with $signs\n")
    with serving(tmp_path, secret, REDIS_MEMORY="64mb") as port:
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        server = Server(url=f"redis://127.0.0.1:{port}/0", password_file=str(secret))
        with redis.Redis(**server.options()) as client:
            told = client.config_get()
    assert (told["maxmemory"], told["maxmemory-policy"]) == (str(64 << 20), "volatile-lru")
    assert told["appendonly"] == "yes"


@contextmanager
def serving(folder: Path, secret: Path, **environment: str) -> Iterator[int]:
    """The command of the file's Redis at work, with its password elsewhere and on a free port."""
    command = composed(CLUSTER, **environment)["services"]["redis"]["command"]
    assert command.count("/run/secrets/redis") == 1
    shell, option, script = shlex.split(command)
    assert (shell, option) == ("sh", "-c")
    port = free_port()
    script = script.replace("/run/secrets/redis", str(secret))
    script += f" --bind 127.0.0.1 --port {port} --dir {folder} --logfile {folder}/log"
    with running([shell, option, script], port):
        yield port


def _shipped(path: str) -> str:
    return Path(ROOT, path).read_text()
