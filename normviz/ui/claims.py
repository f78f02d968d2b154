"""The cards of the claims: what stands on them before anything is measured (``ui/assets/cards.js``)."""

from __future__ import annotations

from typing import Any

from normviz.catalog.claims import ARTICLE, CLAIMS, Claim
from normviz.specs.claims import Claims


def cards(spec: Claims) -> list[dict[str, Any]]:
    """A card for each claim that is judged; plain values."""
    return [card(CLAIMS[number]) for number in spec.numbers]


def card(claim: Claim) -> dict[str, Any]:
    """Statement, rule, sources and link of one claim; notes whose ids begin with ``notes`` fill the rest."""
    return {
        "key": str(claim.number),
        "notes": f"claims.{claim.number}",
        "number": claim.number,
        "title": claim.short[0].upper() + claim.short[1:],
        "statement": claim.statement,
        "rule": claim.rule,
        "source": f"The claim: {ARTICLE}. {claim.sources}",
        "see": claim.see,
        "seeLabel": claim.see_label,
    }
