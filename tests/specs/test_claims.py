"""The spec of the claims: what it accepts, what it costs, and where its cards lead."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from normviz.catalog.claims import CLAIMS
from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs.claims import Claims
from normviz.specs.claims_frames import arrays, evidence, nbytes
from normviz.ui.claims import cards
from normviz.ui.pages import PAGES


def test_it_is_registered_and_its_defaults_go_together() -> None:
    assert EXPERIMENTS["claims"] is Claims
    assert Claims.from_values(Claims().values()) == Claims()
    assert Claims.from_query(Claims().to_query(full=True)) == (Claims(), [])


@pytest.mark.parametrize(
    ("values", "field"),
    [({"claim": "13"}, "claim"), ({"seeds": 1}, "seeds"), ({"steps": 75}, "steps"), ({"width": 48}, "width")],
)
def test_what_does_not_work_is_refused_with_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        Claims(**values)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize("number", CLAIMS)
def test_a_claim_alone_costs_less_and_records_its_own_arrays(number: int) -> None:
    alone, everything = Claims(claim=str(number)), Claims()
    assert alone.numbers == (number,)
    assert alone.cost().multiply_adds < everything.cost().multiply_adds
    assert nbytes(alone) < nbytes(everything)
    own = {array.name for array in arrays(alone)}
    assert set(evidence(alone, number)) <= own
    assert all(name == "done" or name.startswith(f"c{number}_") for name in own)


def test_cost_grows_with_every_knob() -> None:
    base = Claims().cost().multiply_adds
    for larger in ({"seeds": 10}, {"steps": 400}, {"epochs": 20}, {"width": 128}):
        assert Claims(**larger).cost().multiply_adds > 1.1 * base, larger  # type: ignore[arg-type]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda claim: str(claim.number))
def test_a_card_leads_to_a_page_and_settings_that_exist(claim: object) -> None:
    fact = CLAIMS[claim.number]  # type: ignore[attr-defined]
    if not fact.see:
        return
    address = urlsplit(fact.see)
    assert address.path in {page.url_path for page in PAGES}
    query = dict(parse_qsl(address.query))
    if query:
        kind = EXPERIMENTS[query.pop("question", address.path.replace("-", "_"))]
        spec, problems = kind.from_query(query)
        assert not problems
        assert set(query) <= set(spec.values())


def test_every_card_says_what_is_claimed_and_how_it_is_judged() -> None:
    dealt = cards(Claims())
    assert [card["number"] for card in dealt] == list(CLAIMS)
    assert len({card["key"] for card in dealt}) == len({card["notes"] for card in dealt}) == 12
    for card in dealt:
        assert all(card[name] for name in ("title", "statement", "rule", "source"))
        assert "2024" in card["source"]
    assert len(cards(Claims(claim="7"))) == 1
