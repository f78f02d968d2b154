"""What the operator of a server may set, by environment variables.

The table of all of them is made from the fields below: ``python -m normviz settings`` prints it, and it
stands in ``docs/operating.md``.  A wrong value is refused at start with a sentence.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib.machinery import PathFinder
from importlib.util import find_spec
from os.path import isdir
from pathlib import Path
from typing import Any

from normviz.spec import Knob, SpecError, knob
from normviz.store import Server

_PREFIX = "NORMVIZ_"
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_ORIGIN = re.compile(r"\*|https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", re.IGNORECASE)
_TOKEN = re.compile(r"[!-~]{16,200}")  # what a header may carry
_DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]{1,2})?|mps")
_FORKED = "A forked process cannot use a GPU: NORMVIZ_ENGINE must be auto or persistent."
_WORKERS = "The workers of a cluster fork for every run, so they compute on the processor."
_MAKE_ONE = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(24))'"
OPERATOR_TOKEN = _PREFIX + "OPERATOR_TOKEN"
MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Limits and choices of one server.  Each field is the variable of its name.

    A field of free text has a ``form`` that says what it may be; one whose default is a tuple takes several,
    separated by commas.

    Raises:
        SpecError: a value is not accepted.
    """

    pages: tuple[str, ...] = knob(
        (), label="NORMVIZ_PAGES", form="addresses of pages, separated by commas",
        help="the pages that are shown, by their addresses (`train,signal`); the front door always is. "
        "Empty: all",
    )  # fmt: skip
    engine: str = knob(
        "auto", label="NORMVIZ_ENGINE", choices=("auto", "fork", "persistent", "redis"),
        help="how runs are computed: one forked process a run (Linux, CPU), a few lasting processes, or the "
        "workers of a cluster",
    )  # fmt: skip
    device: str = knob(
        "auto", label="NORMVIZ_DEVICE", form="auto, cpu, cuda, cuda:N or mps",
        help="where runs are computed. auto: on a GPU, if there is one and a measured training step takes it "
        "less time than the processor; a GPU takes the persistent form",
    )  # fmt: skip
    processes: int = knob(
        0, label="NORMVIZ_PROCESSES", low=0, high=64,
        help="lasting processes of the persistent form; 0: one for each processor core, on a GPU one",
    )  # fmt: skip
    runs: int = knob(
        64, label="NORMVIZ_RUNS", low=1, high=1000,
        help="runs computed at once; further ones wait in line, and those that stand still give way to them",
    )  # fmt: skip
    share: int = knob(
        2, label="NORMVIZ_SHARE", low=1, high=1000,
        help="of one visitor's runs so many are computed at once, those opened last; the others stand still",
    )  # fmt: skip
    lease: float = knob(
        10.0, label="NORMVIZ_LEASE", low=0.2, high=3600, unit="s",
        help="how long a run goes on that nobody watches",
    )  # fmt: skip
    largest_run: float = knob(
        1e13, label="NORMVIZ_LARGEST_RUN", low=1e6, high=1e18, help="multiply-adds of the largest run",
    )  # fmt: skip
    largest_recording: int = knob(
        64, label="NORMVIZ_LARGEST_RECORDING", low=1, high=4096, unit="MB", help="the largest recording",
    )  # fmt: skip
    recordings: int = knob(
        512, label="NORMVIZ_RECORDINGS", low=1, high=1_000_000, unit="MB",
        help="memory for all recordings; those watched least recently go first",
    )  # fmt: skip
    kept: int = knob(
        4, label="NORMVIZ_KEPT", low=0, high=1_000_000, unit="MB",
        help="of this, memory for recordings that nobody has watched for a minute",
    )  # fmt: skip
    run_memory: int = knob(
        1024, label="NORMVIZ_RUN_MEMORY", low=0, high=1_000_000, unit="MB",
        help="memory of one run beyond the engine's own; 0: no limit (fork form)",
    )  # fmt: skip
    run_seconds: int = knob(
        3600, label="NORMVIZ_RUN_SECONDS", low=0, high=1_000_000, unit="s",
        help="processor time of one run; 0: no limit (fork form)",
    )  # fmt: skip
    silence: float = knob(
        60.0, label="NORMVIZ_SILENCE", low=0.5, high=86_400, unit="s",
        help="a run that says nothing and takes no processor time for so long is started again (Linux)",
    )  # fmt: skip
    connections: int = knob(
        2000, label="NORMVIZ_CONNECTIONS", low=1, high=100_000,
        help="websockets open at once; a window has one, and with charts two",
    )  # fmt: skip
    connections_per_address: int = knob(
        800, label="NORMVIZ_CONNECTIONS_PER_ADDRESS", low=1, high=100_000,
        help="the same from one network address (a classroom may share one: six windows each for sixty)",
    )  # fmt: skip
    log: str = knob(
        "text", label="NORMVIZ_LOG", choices=("text", "json"),
        help="the log on standard error: lines to read, or one JSON object a line",
    )  # fmt: skip
    log_level: str = knob(
        "info", label="NORMVIZ_LOG_LEVEL", choices=("debug", "info", "warning", "error"),
        help="the least important lines that the log has",
    )  # fmt: skip
    metrics: bool = knob(
        False, label="NORMVIZ_METRICS",
        help="GET /lab/metrics for Prometheus; if NORMVIZ_OPERATOR_TOKEN is set, with that token (Bearer)",
    )  # fmt: skip
    operator_token: str = field(
        default="", repr=False,
        metadata={"knob": Knob(
            OPERATOR_TOKEN, form="16 to 200 letters, digits and signs, without a space",
            help="opens the page /operator and the route /lab/drain to whoever knows it; without it, neither "
            "is there",
        )},
    )  # fmt: skip
    drain: float = knob(
        0.0, label="NORMVIZ_DRAIN", low=0, high=86_400, unit="s",
        help="how long the server goes on after SIGTERM while somebody watches a run in progress",
    )  # fmt: skip
    embed_in: tuple[str, ...] = knob(
        (), label="NORMVIZ_EMBED_IN",
        form="origins such as https://moodle.example.org, separated by commas, or *",
        help="sites that may show pages of this one in a frame (https://*.example.org: all there; *: any)",
    )  # fmt: skip
    lessons: str = knob(
        "", label="NORMVIZ_LESSONS", form="a folder that exists",
        help="further lessons, one TOML file each; a file of the name of a shipped one takes its place",
    )  # fmt: skip
    recorded: str = knob(
        "", label="NORMVIZ_RECORDED", form="a folder that exists",
        help="recordings made beforehand (`python -m normviz warm`), read at the start",
    )  # fmt: skip
    redis: str = field(
        default="", repr=False,  # it may hold a password
        metadata={"knob": Knob(
            "NORMVIZ_REDIS", form="redis://host:port/number, or rediss://… for TLS",
            help="where replicas and workers meet; `user:password@` may stand before the host",
        )},
    )  # fmt: skip
    redis_password_file: str = knob(
        "", label="NORMVIZ_REDIS_PASSWORD_FILE", form="a file",
        help="the password, if it is not to stand in the environment",
    )  # fmt: skip
    redis_ca: str = knob(
        "", label="NORMVIZ_REDIS_CA", form="a file",
        help="certificates that may vouch for Redis (TLS); by default the system's",
    )  # fmt: skip
    redis_certificate: str = knob(
        "", label="NORMVIZ_REDIS_CERTIFICATE", form="a file",
        help="this side's own certificate, if Redis asks for one (TLS)",
    )  # fmt: skip
    redis_key: str = knob(
        "", label="NORMVIZ_REDIS_KEY", form="a file", help="the private key of that certificate",
    )  # fmt: skip
    redis_keep: int = knob(
        3600, label="NORMVIZ_REDIS_KEEP", low=60, high=1_000_000, unit="s",
        help="how long a recording stays in Redis after it was last wanted",
    )  # fmt: skip
    experiments: tuple[str, ...] = knob(
        (), label="NORMVIZ_EXPERIMENTS", form="names of Python modules, separated by commas",
        help="modules with further experiments, each adding to `normviz.specs.EXPERIMENTS`",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, knob_, default in self.knobs():
            if not knob_.form:
                object.__setattr__(self, name, knob_.accept(name, getattr(self, name), default))
        for module in self.experiments:
            if not _MODULE.fullmatch(module):
                raise self.refused("experiments", module)
        if not _DEVICE.fullmatch(self.device):
            raise self.refused("device", self.device)
        if self.engine == "fork" and self.device not in ("auto", "cpu"):
            raise self.refused("device", self.device, _FORKED)
        if self.engine == "redis":
            self.see_that_workers_can()
            _ = self.server
        for origin in self.embed_in:
            if not _ORIGIN.fullmatch(origin):
                raise self.refused("embed_in", origin)
        if self.operator_token and not _TOKEN.fullmatch(self.operator_token):
            # The token itself is not said: this sentence ends up in a log.
            told = f"a text of {len(self.operator_token)} characters"
            raise self.refused("operator_token", told, _MAKE_ONE)
        for name in ("lessons", "recorded"):
            folder = getattr(self, name)
            if folder and not isdir(folder):  # other than Path's it takes any text
                raise self.refused(name, folder, "Make it first.")

    def see_that_workers_can(self) -> None:
        """Refuse a device that the workers of a cluster cannot use.

        Raises:
            SpecError: it is not the processor.
        """
        if self.device not in ("auto", "cpu"):
            raise self.refused("device", self.device, _WORKERS)

    def find_experiments(self) -> None:
        """See that the modules are there, from where engines are started; nothing is imported.

        Raises:
            SpecError: one is not.
        """
        for module in self.experiments:
            top = module.partition(".")[0]
            if not (find_spec(top) or PathFinder.find_spec(top, [os.getcwd()])):
                raise self.refused("experiments", module, "It is not found: see PYTHONPATH.")

    @property
    def server(self) -> Server:
        """Where replicas and workers meet.

        Raises:
            SpecError: the address makes no sense, or a file is not there.
        """
        return Server(
            url=self.redis, password_file=self.redis_password_file, ca=self.redis_ca,
            certificate=self.redis_certificate, key=self.redis_key,
        )  # fmt: skip

    @classmethod
    def knobs(cls) -> Iterator[tuple[str, Knob, Any]]:
        """Name, knob and default of every field, in the order of the table."""
        for one in fields(cls):
            yield one.name, one.metadata["knob"], one.default

    @classmethod
    def refused(cls, name: str, value: object, remedy: str = "") -> SpecError:
        """The error that a value of a field is not accepted."""
        knob_, default = next((knob_, default) for one, knob_, default in cls.knobs() if one == name)
        return SpecError(knob_.label, value, knob_.allowed(default), remedy, field=name)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment; variables that are not set or empty keep their default.

        Raises:
            SpecError: a value is not accepted.
        """
        values: dict[str, Any] = {}
        for name, knob_, default in cls.knobs():
            if text := environment.get(knob_.label, "").strip():
                values[name] = _text(text, default) if knob_.form else knob_.read(name, text, default)
        return cls(**values)


def misspelt(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A sentence about each variable that looks like a setting and is none."""
    known = [knob_.label for _, knob_, _ in Settings.knobs()]
    for variable in environment:
        near = difflib.get_close_matches(variable, known, 1, cutoff=0.85)
        if variable.startswith(_PREFIX) and variable not in known and near:
            yield f"{variable} is not a setting and has no effect; is {near[0]} meant?"


def lessons_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The operator's own lessons."""
    text = environment.get("NORMVIZ_LESSONS", "").strip()
    return Path(text) if text else None


def pages_named(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Addresses of the pages that the operator wants to be shown; none: all."""
    return _several(environment.get("NORMVIZ_PAGES", ""))


def _text(text: str, default: object) -> str | tuple[str, ...]:
    return _several(text) if isinstance(default, tuple) else text


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
