"""Texts that strangers write into addresses, specs and lessons.

Each test here tries a few; ``NORMVIZ_HOSTILE=50 python -m pytest tests/hostile`` tries fifty times as
many, and others than every time before.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from normviz.spec import Knob, Spec, Value

FACTOR = int(os.environ.get("NORMVIZ_HOSTILE", "1"))


def tried(examples: int) -> settings:
    """So many examples; the same ones every time, unless more are asked for."""
    return settings(
        max_examples=examples * FACTOR, derandomize=FACTOR == 1, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


NUMBERS = (
    "1e400", "-1e400", "nan", "inf", "-inf", "-0", "0x10", "1_000", "1e-400", "٣", "½", "1,5", " 5 ", "+3",
    "1e0", "9" * 199, "9" * 201, "9" * 5000, "1" + "0" * 400, "0.1.2", "--1", "1e", ".", "",
)  # fmt: skip
MARKUP = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "[a](https://evil.example)",
    "![a](//evil)", "javascript:alert(1)", ":material/home:", ":red[x]", "$\\frac{1}{0}$", "`x`", "**x**",
    "{x}", "%s%n", "{0.__class__}", "{label!r:>999999999}", "%(x)s", "${x}", "{{7*7}}", "../../etc/passwd",
    "__import__",
)  # fmt: skip
SIGNS = (
    "\x00", "\u202e", "\u2066", "\ufeff", "\u200b", "e\u0301" * 100, "\U0001f600", "\ufffd", "\x1b[2J",
    "\u2028", "ﬁ", "İ", "𝟙", "\uffff", "\t", "\r\n\r\n", "a" * 10_000, "," * 5000, "=" * 300, "&a=b", "#",
    ";" * 300,
)  # fmt: skip

ANY = st.sampled_from([*NUMBERS, *MARKUP, *SIGNS]) | st.text(max_size=50)
"""Text that fits nowhere, as a rule."""


def texts(knob: Knob, default: Value) -> st.SearchStrategy[str]:
    """Texts for one field of a spec: right ones, nearly right ones, and any."""
    if knob.choices:
        right = st.sampled_from([str(one) for one in knob.choices])
        if knob.most:
            right = st.lists(right, max_size=knob.most + 2).map(",".join)
    elif isinstance(default, bool):
        right = st.sampled_from(["0", "1", "true", "yes", "No"])
    elif knob.low is not None and knob.high is not None:
        whole = isinstance(default, int)
        inside = (
            st.integers(int(knob.low) - 2, int(knob.high) + 2) if whole else st.floats(knob.low, knob.high)
        )
        right = inside.map(str) | st.sampled_from([str(knob.low), str(knob.high), str(knob.high * 2)])
    else:
        part = st.tuples(
            st.integers(-1, 400), st.sampled_from(["lr=0.1", "batch_size=8", "norm.batch=none", "x=1"])
        )
        right = st.lists(part.map(lambda one: f"{one[0]}:{one[1]}"), max_size=6).map(";".join)
    bent = st.tuples(right, st.sampled_from([*SIGNS, " ", "x"])).map("".join) | right.map(str.swapcase)
    return st.one_of(right, right, bent, ANY)


def queries(kind: type[Spec]) -> st.SearchStrategy[dict[str, str]]:
    """Addresses of an experiment: some of its fields."""
    return st.fixed_dictionaries(
        {}, optional={name: texts(knob, default) for name, knob, default in kind.knobs()}
    )


def within(spec: Spec) -> None:
    """Assert that every field of a spec lies within its knob, by another way than the spec's own."""
    for name, knob, default in spec.knobs():
        value = getattr(spec, name)
        assert type(value) is type(default), name
        if knob.most:
            assert 1 <= len(value) == len(set(value)) <= knob.most, name
            assert set(value) <= set(knob.choices), name
        elif knob.choices:
            assert value in knob.choices, name
        elif knob.form:
            assert len(value) <= 200, name
            assert not set(value) & set("<>&\"'`[](){}$\\"), "what a spec has read holds no markup"
        elif not isinstance(default, bool):
            assert knob.low <= value <= knob.high, name
