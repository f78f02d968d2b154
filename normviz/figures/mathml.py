"""Parts of a formula in MathML, which browsers draw by themselves.

Arguments are MathML already; a plain name or number is made one by ``i``, ``n`` or ``o``.
"""

from __future__ import annotations

import re
from collections.abc import Callable


def i(name: str) -> str:
    """An identifier; one letter is set in italics."""
    return f"<mi>{name}</mi>"


def n(number: str) -> str:
    """A number."""
    return f"<mn>{number}</mn>"


def o(sign: str) -> str:
    """An operator or a bracket, with the space that belongs around it."""
    return f"<mo>{sign}</mo>"


def words(text: str) -> str:
    """Words beside a formula; a space at their end stays."""
    return f"<mtext>{text.replace(' ', chr(0xA0))}</mtext>"


def beside(mathml: str) -> list[str]:
    """The words beside a formula, as ``words`` was given them."""
    return [text.replace(chr(0xA0), " ") for text in re.findall("<mtext>(.*?)</mtext>", mathml)]


def reworded(mathml: str, say: Callable[[str], str]) -> str:
    """The same formula with other words beside it."""
    return re.sub("<mtext>(.*?)</mtext>", lambda found: words(say(beside(found[0])[0])), mathml)


def gap(em: float = 1.6) -> str:
    """Empty space, between two formulas on one line."""
    return f'<mspace width="{em:g}em"></mspace>'


def row(*parts: str) -> str:
    """Parts one after the other, taken as one."""
    return f"<mrow>{''.join(parts)}</mrow>"


def frac(above: str, below: str) -> str:
    """A fraction."""
    return f"<mfrac>{above}{below}</mfrac>"


def root(inside: str) -> str:
    """A square root."""
    return f"<msqrt>{inside}</msqrt>"


def sub(base: str, below: str) -> str:
    """With an index."""
    return f"<msub>{base}{below}</msub>"


def sup(base: str, above: str) -> str:
    """With a power."""
    return f"<msup>{base}{above}</msup>"


def both(base: str, below: str, above: str) -> str:
    """With an index and a power."""
    return f"<msubsup>{base}{below}{above}</msubsup>"


def of(function: str, *inside: str) -> str:
    """A function of something, in round brackets."""
    return row(function, o("("), *inside, o(")"))


def norm(*inside: str) -> str:
    """The length of a vector."""
    return row(o("‖"), *inside, o("‖"))


def lit(term: str, *parts: str) -> str:
    """A term that can be pointed at; ``term`` is its key in the formula's terms."""
    return f'<mrow data-term="{term}">{"".join(parts)}</mrow>'
