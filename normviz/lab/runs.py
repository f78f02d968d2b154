"""One run as the messages that it sends: spec in, schema and frames out, and how it ended.

Nothing leaves a run as an exception: what a visitor can mend and what nobody foresaw both become an
ENDED message with a sentence; the traceback goes to the log (standard error) alone.
"""

from __future__ import annotations

import importlib
import logging
import signal
from collections.abc import Callable, Iterator

from normviz import messages, specs
from normviz.frames import Frame, Recording, Schema
from normviz.lab.dealt import WorkerError
from normviz.phrases import phrase
from normviz.spec import Spec, SpecError

logger = logging.getLogger(__name__)

Runner = Callable[[Spec], Iterator[Schema | Frame]]

OUT_OF_TIME = phrase(
    "This run used more computing time than this server gives to one run. Choose a smaller one."
)
_OUT_OF_MEMORY = phrase("This run needs more memory than this server gives to one run. Choose a smaller one.")


def runner(spec: Spec) -> Runner:
    """The function that ``spec.runner`` names.

    Raises:
        TypeError: it is not of the form ``module:function``, or there is no such function.
    """
    module, _, name = spec.runner.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if not callable(found):
        raise TypeError(f"{type(spec).__name__}.runner names {spec.runner!r}, which is not a function")
    return found  # type: ignore[no-any-return]


def record(spec: Spec, each: Callable[[Frame], object] = lambda frame: None) -> Recording:
    """Run a spec to its end in this process; ``each`` is told of every frame.

    Raises:
        TypeError: the runner does not yield a schema and then frames.
    """
    run = runner(spec)(spec)
    schema = next(run)
    if not isinstance(schema, Schema):
        raise TypeError(f"{spec.runner} yields a frame before the schema")
    recording = Recording(schema)
    for frame in run:
        if not isinstance(frame, Frame):
            raise TypeError(f"{spec.runner} yields a second schema")
        recording.append(schema.encode(frame))
        each(frame)
    return recording


def stream(run: int, text: str, skip: int = 0) -> Iterator[bytes]:
    """The messages of run number ``run``, whose spec is the JSON ``text``; the last one is ENDED.

    The first ``skip`` frames are computed but not sent; their digest is.  Empty bytes stand for them, so
    that whoever lets several runs take turns can go on to the next one.
    """
    name = "an unreadable spec"
    try:
        spec = specs.from_json(text)
        name = spec.key[:8]
        yield from _frames(run, spec, skip)
    except SpecError as error:
        yield _ended(run, messages.FAILED, error.sentence)
    except WorkerError as error:
        if error.code == -getattr(signal, "SIGXCPU", 0):
            yield _ended(run, messages.FAILED, OUT_OF_TIME)
        else:
            yield _ended(run, messages.DIED, str(error))
    except Exception as error:
        if _lacks_memory(error):
            logger.warning("run %s ran out of memory: %s", name, error)
            yield _ended(run, messages.BROKEN, _OUT_OF_MEMORY)
        else:
            logger.exception("run %s failed; its spec: %.2000s", name, text)
            yield _ended(run, messages.BROKEN, _unforeseen(name))
    else:
        yield _ended(run, messages.DONE, "")


def _frames(run: int, spec: Spec, skip: int) -> Iterator[bytes]:
    schema: Schema | None = None
    digest = messages.Digest()
    count = 0
    for one in runner(spec)(spec):
        if isinstance(one, Schema):
            if schema is not None:
                raise TypeError(f"{spec.runner} yields a second schema")
            schema = one
            yield messages.packed(run, messages.SCHEMA, schema.to_json().encode())
            continue
        if schema is None:
            raise TypeError(f"{spec.runner} yields a frame before the schema")
        frame = schema.encode(one)
        count += 1
        if count > skip:
            yield messages.packed(run, messages.FRAME, frame)
            continue
        digest.add(frame)
        yield b"" if count < skip else messages.packed(run, messages.SKIPPED, digest=digest.hex)
    if schema is None:
        raise TypeError(f"{spec.runner} yields no schema")


def _lacks_memory(error: Exception) -> bool:
    # torch reports a failed allocation as a RuntimeError, told apart by its text alone.
    signs = ("allocate memory", "not enough memory", "out of memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | OSError) and any(sign in str(error).lower() for sign in signs)
    )


def _unforeseen(name: str) -> str:
    return phrase(
        "This run failed because of a fault in the program. It is noted in the server's log under {name}.",
        name=name,
    )


def _ended(run: int, status: str, sentence: str) -> bytes:
    return messages.packed(run, messages.ENDED, status=status, sentence=sentence)
