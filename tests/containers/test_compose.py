"""compose.yaml, without an engine: read as compose reads it, and held against what it refers to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.containers.images import ROOT, stages

TEXT = (ROOT / "compose.yaml").read_text()
FIELDS = {
    "image", "build", "command", "environment", "env_file", "read_only", "tmpfs", "cap_drop", "cap_add",
    "security_opt", "init", "mem_limit", "pids_limit", "restart", "stop_grace_period", "logging",
    "depends_on", "ports", "volumes", "profiles", "healthcheck", "networks", "secrets",
}  # fmt: skip
"""Of a service, in the compose specification."""


def composed(**environment: str) -> dict[str, Any]:
    """The file with its variables filled in."""

    def fill(found: re.Match[str]) -> str:
        return environment.get(found["name"]) or found["default"]

    told = yaml.safe_load(re.sub(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}", fill, TEXT))
    assert "$" not in str(told), "each variable has a default"
    assert isinstance(told, dict)
    return told


def test_every_field_is_one_of_the_specification() -> None:
    told = composed()
    assert set(told) <= {"name", "services", "volumes", "networks", "secrets", "configs"}
    for service in told["services"].values():
        assert set(service) <= FIELDS
        assert re.fullmatch(r"\d+[smh]", service.get("stop_grace_period", "1s"))
        for name, value in (service.get("environment") or {}).items():
            assert isinstance(value, str), f"{name} must be quoted"


def test_what_it_refers_to_is_there() -> None:
    told = composed(SITE="lab.example.org", TORCH_INDEX="file:///cpu", MEMORY="2g")
    app, proxy = told["services"]["normviz"], told["services"]["proxy"]
    assert (ROOT / app["build"]["context"] / "Dockerfile").is_file()
    arguments = {rest.partition("=")[0] for stage in stages() for name, rest in stage if name == "ARG"}
    assert set(app["build"]["args"]) <= arguments
    assert (app["build"]["args"]["TORCH_INDEX"], app["mem_limit"]) == ("file:///cpu", "2g")
    assert proxy["environment"]["SITE"] == "lab.example.org"
    for other, how in proxy["depends_on"].items():
        assert other in told["services"]
        assert how == {"condition": "service_healthy"}
    assert any(name == "HEALTHCHECK" for name, _ in stages()[-1])
    for volume in proxy["volumes"]:
        source, *_ = volume.split(":")
        assert source in told["volumes"] or (source.startswith("./") and (ROOT / source).is_file())


def test_only_the_proxy_is_reached_from_outside_and_it_finds_the_app() -> None:
    services = composed()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    proxied = re.search(r"dynamic a \{\$APP_HOST:(\w+)\} \{\$APP_PORT:(\d+)\}", _shipped("deploy/Caddyfile"))
    assert proxied
    assert proxied[1] in services
    (exposed,) = [rest for name, rest in stages()[-1] if name == "EXPOSE"]
    assert proxied[2] == exposed
    assert services["normviz"]["environment"]["FORWARDED_ALLOW_IPS"] == "*", "the app believes the proxy"


def test_both_run_without_rights_that_they_do_not_need() -> None:
    for service in composed()["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert composed()["services"]["proxy"]["cap_add"] == ["NET_BIND_SERVICE"]


def test_its_variables_are_documented() -> None:
    text = _shipped("docs/operating.md")
    for name in set(re.findall(r"\$\{(\w+)", TEXT)):
        assert re.search(rf"\b{name}\b", text), name
    (settings,) = composed()["services"]["normviz"]["env_file"]
    assert settings == {"path": "normviz.env", "required": False}
    assert settings["path"] in text


def _shipped(path: str) -> str:
    return Path(ROOT, path).read_text()
