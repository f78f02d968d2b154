"""The cards of the claims: what stands on them before anything is measured (``ui/assets/cards.js``)."""

from __future__ import annotations

from typing import Any

from normviz.catalog.claims import ARTICLE, CLAIMS, Claim
from normviz.specs.claims import Claims
from normviz.ui.doors import leads
from normviz.ui.words import _, spoken


def cards(spec: Claims) -> list[dict[str, Any]]:
    """A card for each claim that is judged; plain values."""
    return [card(CLAIMS[number]) for number in spec.numbers]


def card(claim: Claim) -> dict[str, Any]:
    """Statement, rule, sources and link of one claim; notes whose ids begin with ``notes`` fill the rest."""
    short = spoken(claim.short)
    return {
        "key": str(claim.number),
        "notes": f"claims.{claim.number}",
        "number": claim.number,
        "title": short[0].upper() + short[1:],
        "statement": spoken(claim.statement),
        "rule": spoken(claim.rule),
        "source": _("The claim: {article}. {sources}", article=ARTICLE, sources=spoken(claim.sources)),
        "see": claim.see if leads(claim.see) else "",
        "seeLabel": spoken(claim.see_label),
    }
