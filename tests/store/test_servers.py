"""Where Redis is: what is accepted, what is refused, and that a password is never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from normviz.player import Settings
from normviz.spec import SpecError
from normviz.store import Server

SECRET = "sw0rdfish"


def test_an_address_is_taken_apart() -> None:
    server = Server(url=f"redis://lab:{SECRET}%2F@cache.example:7000/3")
    told = server.options()
    assert (told["host"], told["port"], told["db"]) == ("cache.example", 7000, 3)
    assert (told["username"], told["password"]) == ("lab", SECRET + "/")
    assert "ssl" not in told
    assert server.place == "cache.example:7000"
    assert SECRET not in repr(server)


def test_the_password_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(SECRET + "\n")
    assert Server(url="redis://cache", password_file=str(file)).options()["password"] == SECRET


def test_tls_checks_the_other_side(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    told = Server(url="rediss://cache", ca=str(ca)).options()
    assert told["ssl"] is True
    assert told["ssl_ca_certs"] == str(ca)
    assert not {"ssl_cert_reqs", "ssl_check_hostname"} & set(told)  # the client's defaults: both are checked


@pytest.mark.parametrize(
    "url",
    [
        "", "cache", "http://cache", "redis://", "redis://cache:port", "redis://cache:99999", "redis://cache/x",
        "redis://cache/0?db=1", f"redis://:{SECRET}@", f"redis//:{SECRET}@cache", f"redis://a:{SECRET}/@b@c:x",
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(SpecError, match=r"^NORMVIZ_REDIS: .* allowed is redis://host:port") as refused:
        Server(url=url)
    assert SECRET not in refused.value.sentence


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"password_file": "/none"}, "NORMVIZ_REDIS_PASSWORD_FILE: “/none” does not work; allowed is a file"),
        ({"ca": __file__}, "allowed is nothing without TLS. Begin NORMVIZ_REDIS with rediss://."),
        ({"url": "rediss://cache", "key": __file__}, "NORMVIZ_REDIS_CERTIFICATE: “” does not work"),
        ({"url": "redis://:a@cache", "password_file": __file__}, "allowed is one password only."),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(SpecError) as refused:
        Server(**{"url": "redis://cache", **given})
    assert told in refused.value.sentence


def test_the_cluster_needs_an_address_and_the_settings_keep_it_to_themselves() -> None:
    with pytest.raises(SpecError, match="NORMVIZ_REDIS"):
        Settings.from_environment({"NORMVIZ_ENGINE": "redis"})
    told = {"NORMVIZ_ENGINE": "redis", "NORMVIZ_REDIS": f"redis://:{SECRET}@cache"}
    settings = Settings.from_environment(told)
    assert SECRET not in repr(settings)
    assert settings.server == Server.from_environment(told)
