"""The engine host: a process with torch imported and warm, which computes runs for the web process.

    python -m normviz.lab.host [--engine fork|persistent|auto] [--device auto|cpu|cuda|mps]
        [--memory BYTES] [--seconds S] [--load MODULE]

It is started by the web process (``normviz.player.hosts``) and speaks ``normviz.messages`` on standard
input and output; its log goes to standard error.  It ends when standard input does.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib
import itertools
import logging
import os
import platform
import signal
import sys
from typing import Any

import torch
from pythonjsonlogger.json import JsonFormatter

from normviz import messages, specs
from normviz.lab import accelerators, devices, processes, runs
from normviz.versions import source_hash

logger = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    options = _options(arguments)
    _log()
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal: the web process ends this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Only messages may go to the pipe: what a library prints goes to the log.
    inbox, outbox = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    form = _form(options.engine)
    found = accelerators.find(measure=options.device == "auto" and options.engine != "fork")
    device = _device(options.device, found)
    if device != "cpu":
        form = "persistent"
    devices.use(device)
    torch.set_num_threads(1)
    warm_up(options.load)
    if form == "fork":
        form = _unless_threaded(options.engine)
    hello = messages.packed(
        0, messages.HELLO, form=form, torch=torch.__version__, cpu=cpu_type(), devices=found.told,
        device=next(one for one in found.told if one.split()[0] == device), milliseconds=found.milliseconds,
        source=source_hash(options.load),
    )  # fmt: skip
    if form == "fork":
        from normviz.lab import forks, groups

        forks.ForkHost(inbox, outbox, groups.Limits(options.memory, options.seconds)).serve(hello)
    else:
        from normviz.lab import turns

        turns.lower_priority()
        with contextlib.suppress(BrokenPipeError), open(outbox, "wb") as out:
            turns.TurnHost(inbox, out).serve(hello)


def _log() -> None:
    """Log JSON objects, a line each, which the web process takes apart (``normviz.player.hosts``)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(["levelname", "name", "message"]))
    logging.basicConfig(handlers=[handler], level=logging.INFO)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m normviz.lab.host", description=__doc__)
    parser.add_argument("--engine", choices=("fork", "persistent", "auto"), default="auto")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--memory", type=int, default=0, help="bytes that one run may use (fork form)")
    parser.add_argument("--seconds", type=int, default=0, help="processor time of one run (fork form)")
    parser.add_argument("--load", action="append", default=[], help="a module with more experiments")
    return parser.parse_args(arguments)


def _form(engine: str) -> str:
    can_fork = sys.platform == "linux"
    if engine == "fork" and not can_fork:
        sys.exit("NORMVIZ_ENGINE: fork needs Linux; use auto or persistent.")
    if engine == "auto":
        # Also beside a GPU, as long as runs are computed on the CPU.
        return "fork" if can_fork else "persistent"
    return engine


def _unless_threaded(engine: str) -> str:
    if processes.threads() == 1:
        return "fork"
    told = f"the engine host has {processes.threads()} threads after loading, so it cannot fork safely"
    if engine == "fork":
        sys.exit(f"{told}; some imported module starts a thread.")
    logger.error("%s: using the persistent form", told)
    return "persistent"


def _device(wanted: str, found: accelerators.Found) -> str:
    """The device to compute on; ends the process with a sentence if it is not there."""
    try:
        device = accelerators.choose(wanted, found)
    except accelerators.DeviceError as error:
        sys.exit(str(error))
    if found.milliseconds:
        times = ", ".join(f"{one} {time:.2f} ms" for one, time in found.milliseconds.items())
        logger.info("a training step takes: %s; runs are computed on %s", times, device)
    return device


def warm_up(modules: list[str]) -> None:
    """Compute the first two frames of every experiment: a run then finds everything imported and prepared."""
    for module in modules:
        importlib.import_module(module)
    for name, spec in specs.EXPERIMENTS.items():
        try:
            for _ in itertools.islice(runs.runner(spec())(spec()), 3):  # the schema comes before them
                pass
        except Exception:
            logger.exception("the experiment %s does not work; its runs will fail", name)


def cpu_type() -> str:
    """The processor, as far as it may change the last digit of a result."""
    model: Any = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as told:
        names = [line.split(":", 1)[1].strip() for line in told if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model} ({torch.backends.cpu.get_cpu_capability()})"


if __name__ == "__main__":
    main()
