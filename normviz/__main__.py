"""The command line: ``python -m normviz COMMAND``; the commands are in ``normviz/commands``.

Results go to stdout (one JSON object under ``--json``), progress and messages to stderr.  The lab, and
with it torch, is imported only by the commands that compute.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

# Small tensors: a second thread makes a run slower, and far slower when the other core is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from normviz.commands import bench, export, keep, listing, operate, run
from normviz.commands.telling import RAW, RefusedError
from normviz.spec import SpecError

_COMMANDS = "list", "run", "export", "warm", "recordings", "worker", "settings", "bench"


class _Parser(argparse.ArgumentParser):
    """Answers a wrong command with the near one instead of a list alone."""

    def error(self, message: str) -> NoReturn:
        wrong = message.partition("invalid choice: '")[2].partition("'")[0]
        known = re.findall(r"'([\w-]+)'", message.partition("(choose from ")[2])
        near = difflib.get_close_matches(wrong, known, 1) if wrong else []
        hint = f" Did you mean {near[0]}?" if near else ""
        self.exit(2, f"{self.prog}: {message}.{hint} See {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (2 for a request that cannot be met)."""
    asked = _parser().parse_args(arguments)
    try:
        asked.act(asked)
        sys.stdout.flush()
    except (RefusedError, SpecError) as refusal:
        print(f"normviz: {refusal}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        _drop_output()
    except OSError as error:  # as of an output that goes into a file on a full disk
        _drop_output()
        print(f"normviz: the system refused: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("normviz: stopped", file=sys.stderr)
        return 130
    return 0


def _drop_output() -> None:
    """What is still held of the output goes nowhere; else Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="normviz",
        formatter_class=RAW,
        description="See what normalization does to a neural network.\n\n"
        "The app itself is started with `make run` or `streamlit run app.py`.",
        epilog="examples:\n"
        "  normviz list\n"
        "  normviz run train --set norms=none,batch --set lr=0.3\n"
        "  normviz run forgotten_eval --json\n"
        "  normviz warm broken-networks --out recordings\n"
        "  normviz bench stack",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{" + ",".join(_COMMANDS) + "}")
    for module in (listing, run, export, keep, operate, bench):
        module.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
