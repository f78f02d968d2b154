"""The norms that the browser takes apart for Anatomy, against the lab's norms; what ships with the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, sync_playwright
from streamlit.testing.v1 import AppTest
from torch import Tensor

from normviz.catalog.norms import NORMS, reason
from normviz.lab.experiments import anatomy as shipped
from normviz.lab.norms import LayerNorm, Norm, RMSNorm, build
from normviz.spec import SpecError
from normviz.specs import anatomy_edits as edits
from normviz.specs.anatomy import LIMITS, SHAPES, STAGES, WEIGHTS, Anatomy
from normviz.ui import static
from normviz.ui.anatomy import _data
from normviz.ui.speech import sentences
from tests.browser.visitors import installed
from tests.ui.test_tiles import ORIGIN, js, serve

DATA = _data(Anatomy())


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    """A page of Chromium that has the arithmetic as global functions."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=installed())
        page = chromium.new_page()
        page.route(ORIGIN + "**", serve)
        page.goto(ORIGIN)
        page.evaluate('async () => Object.assign(window, await import("/norms_dissected.js"))')
        yield page
        chromium.close()


@dataclass(frozen=True)
class Case:
    """A norm on a form, with its settings."""

    norm: str
    form: str
    mode: str = "train"
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.norm, self.form, self.mode, *(f"{k}{v}" for k, v in self.settings.items())])

    @property
    def spec(self) -> Anatomy:
        return Anatomy(norm=self.norm, form=self.form, mode=self.mode, **self.settings)

    @property
    def shape(self) -> tuple[int, ...]:
        """As the browser has it: weights are [1, O, F]."""
        return (1, *WEIGHTS) if self.spec.on_weights else SHAPES[self.form]

    @property
    def by_position(self) -> bool:
        """Whether the lab's norm must see the channels last."""
        trailing = self.norm in ("layer", "rms")
        return trailing and (self.form == "sequence" or (self.form == "2d" and self.spec.axes == "c"))

    @property
    def parameters(self) -> int:
        own = self.norm in ("layer", "rms") and not self.by_position
        return int(np.prod(self.shape[1:])) if own else self.shape[1]


LAYOUTS = {"1d": "mlp", "2d": "cnn", "sequence": "sequence"}
KNOBS: dict[str, list[dict[str, Any]]] = {
    "layer": [{"axes": "c"}, {}],
    "rms": [{"axes": "c"}, {}],
    "group": [{"groups": groups} for groups in (1, 2, 4)],
    "ghost_batch": [{"ghost": size} for size in (2, 4)],
    "batch_renorm": [{"limits": limits} for limits in LIMITS],
}
CASES = [
    Case(norm, form, mode, settings)
    for norm in NORMS
    for form in SHAPES
    if reason(norm, LAYOUTS[form]) is None
    for mode in ("train", "eval")
    for settings in KNOBS.get(norm, [{}])
]


class Lab:
    """The same norm from the lab, one member, with parameters that are not their defaults."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        self.case = case
        draw = torch.Generator().manual_seed(7)
        _, channels, *spatial = case.shape
        self.x = torch.randn(case.shape, generator=draw) * 2.0 + 0.5
        self.dy = torch.randn(case.shape, generator=draw)
        count = case.parameters
        self.layer = {
            "gamma": torch.rand(count, generator=draw) + 0.5,
            "beta": torch.randn(count, generator=draw),
            "running_mean": torch.randn(channels, generator=draw),
            "running_var": torch.rand(channels, generator=draw) + 0.5,
        }
        self.norm = self._norm(channels, tuple(spatial))
        with torch.no_grad():
            for name, value in {**self.norm.state_dict(keep_vars=True)}.items():
                ours = {"g": "gamma"}.get(name, name)
                if ours in self.layer and self.case.norm != "weight_standardization":
                    value.copy_(self.layer[ours].view(value.shape))
        self.norm.to(dtype).train(case.mode == "train")
        self.dtype = dtype

    def _norm(self, channels: int, spatial: tuple[int, ...]) -> Norm:
        if self.case.by_position:
            return {"layer": LayerNorm, "rms": RMSNorm}[self.case.norm](1, channels, *self._eps)
        options: dict[str, Any] = {}
        if self.case.norm == "group":
            options["groups"] = self.case.spec.groups
        if self.case.norm == "ghost_batch":
            options["ghost_size"] = self.case.spec.ghost
        if self.case.norm == "batch_renorm":
            options["r_max"], options["d_max"] = LIMITS[self.case.spec.limits]
        if self.case.norm == "weight_standardization":
            options["groups"] = 1
        return build(self.case.norm, 1, channels, spatial, **options)

    @property
    def _eps(self) -> tuple[float | None]:
        return (NORMS[self.case.norm].options["eps"],)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.to(self.dtype)
        if self.case.spec.on_weights:
            return self.norm.weight(x)
        if self.case.by_position:
            return self.norm(x.movedim(1, -1)[None])[0].movedim(-1, 1)
        return self.norm(x[None])[0]


def dissected(page: Page, lab: Lab, **layer: Any) -> dict[str, Any]:
    """What the browser finds on the same inputs."""
    case, spec = lab.case, lab.case.spec
    facts = {
        **DATA["facts"][case.norm],
        **dict(zip(("r_max", "d_max"), LIMITS[spec.limits], strict=True)),
        **layer,
    }
    settings = {
        "training": spec.mode == "train",
        "axes": spec.axes,
        "groups": spec.groups,
        "ghost": spec.ghost,
    }
    found = js(
        page,
        """const exact = (a) => Float64Array.from(a);
        for (const [name, value] of Object.entries(layer)) {
            if (Array.isArray(value)) layer[name] = exact(value);
        }
        const found = dissect(norm, exact(x), shape, layer, settings);
        return { ...found, ...backward(found, exact(dy), layer) };""",
        norm=case.norm, x=lab.x.flatten(), dy=lab.dy.flatten(), shape=list(case.shape), settings=settings,
        layer={name: value.tolist() for name, value in lab.layer.items()} | facts,
    )  # fmt: skip
    assert isinstance(found, dict)
    return found


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES, ids=str)
class TestDissection:
    def test_values_and_gradients_agree_with_the_lab(self, browser: Page, case: Case) -> None:
        lab = Lab(case, torch.float32)
        x = lab.x.clone().requires_grad_()
        y = lab(x)
        y.backward(lab.dy)
        found = dissected(browser, lab)
        np.testing.assert_allclose(found["y"], y.detach().flatten().numpy(), rtol=1e-5, atol=1e-5)
        assert x.grad is not None
        np.testing.assert_allclose(found["dx"], x.grad.flatten().numpy(), rtol=1e-5, atol=1e-5)
        after = {name: value[0].numpy() for name, value in lab.norm.statistics().items()}
        if case.mode == "train" and after:
            assert found["running"].keys() == after.keys()
            for name, values in after.items():
                np.testing.assert_allclose(found["running"][name], values, rtol=1e-5, atol=1e-5)
        else:
            assert found["running"] is None

    def test_groups_are_the_cells_that_move_together(self, browser: Page, case: Case) -> None:
        lab = Lab(case, torch.float64)
        if case.norm == "frn":
            lab.norm.get_parameter("tau").data.fill_(-1e3)  # a threshold hides movements
        if case.norm == "batch_renorm" and case.mode == "train":
            lab.norm.r_max, lab.norm.d_max = 1.0, 0.0  # within its limits the correction cancels them
        lab.norm.update_statistics = False
        groups = np.array(dissected(browser, lab)["group"])
        with torch.no_grad():
            still = lab(lab.x)
            for i in (0, 7, groups.size - 1):
                pushed = lab.x.clone()
                pushed.view(-1)[i] += 0.3
                moved = set(torch.nonzero((lab(pushed) - still).flatten()).flatten().tolist())
                group = set(np.flatnonzero(groups == groups[i]).tolist())
                # A value that is alone in its group is always normalized to 0.
                assert moved | {i} == group


@pytest.mark.browser
def test_within_its_limits_batch_renorm_moves_no_neighbour(browser: Page) -> None:
    lab = Lab(Case("batch_renorm", "2d", "train", {"limits": "wide"}), torch.float64)
    lab.norm.update_statistics = False
    found = dissected(browser, lab)
    assert max(found["r"]) < 3
    pushed = lab.x.clone()
    pushed.view(-1)[7] += 0.3
    with torch.no_grad():
        moved = (lab(pushed) - lab(lab.x)).abs().flatten() > 1e-9
    assert torch.nonzero(moved).flatten().tolist() == [7]
    again = dissected(browser, lab, gamma=(2 * lab.layer["gamma"]).tolist())
    assert again["xhat"] == found["xhat"]


@pytest.mark.browser
def test_a_ghost_batch_of_one_value_is_refused_in_torchs_words(browser: Page) -> None:
    lab = Lab(Case("ghost_batch", "1d", "train", {"ghost": 1}), torch.float64)
    with pytest.raises(ValueError, match="more than 1 value") as refusal:
        lab(lab.x)
    with pytest.raises(Exception, match="more than 1 value") as told:
        dissected(browser, lab)
    assert str(refusal.value) in str(told.value)


def masked(text: Any) -> Any:
    """A text, or all in a list or mapping, without a word besides its places, tags and code."""
    if isinstance(text, str):
        return re.sub(r"(\{\w+\}|</?b>|\w*\(\))|[^\W\d_]{2,}", lambda found: found[1] or "□", text)
    if isinstance(text, dict):
        return {name: masked(one) for name, one in text.items()}
    return [masked(one) for one in text]


MASKED: dict[str, Any] = {
    "channels": masked(DATA["channels"]),
    "choices": {
        name: [[choice, masked(label)] for choice, label in all_] for name, all_ in DATA["choices"].items()
    },
    "norms": [
        {**norm, **{name: masked(norm[name]) for name in ("label", "axes", "parameters", "state", "unfit")}}
        for norm in DATA["norms"]
    ],
    "speech": {
        "language": "cs",
        "words": {one: masked([one, many, many] if many else one) for one, many in sentences()},
    },
}
READ = """
async ([data, settings, torchs]) => {
  const { default: mount } = await import("/anatomy.js");
  const tensors = await (await fetch("/anatomy.json")).json();
  const said = [];
  for (const values of settings) {
    const page = document.createElement("div");
    page.innerHTML = '<section class="nva-anatomy"></section>';
    document.body.append(page);
    await mount({ parentElement: page, data: { ...data, values } }, Promise.resolve(tensors));
    const anatomy = await page.firstChild.anatomy;
    anatomy.push(anatomy.pinned, 1);
    anatomy.settle();
    for (const stage of ["running", "dx"]) {
      anatomy.change({ stage });
      const seen = page.cloneNode(true);
      const others = seen.querySelectorAll("code, mi, mo, dt:last-of-type + dd, [data-name=limits]");
      others.forEach((one) => one.remove());
      said.push(seen.textContent);
      for (const one of seen.querySelectorAll("*")) said.push(one.ariaLabel ?? "", one.title ?? "");
    }
    page.remove();
  }
  return said.map((one) => one.replaceAll(torchs, ""));
}
"""


@pytest.mark.browser
def test_every_word_is_the_catalogues(browser: Page) -> None:
    """With a catalogue that replaces all words no word is left but torch's own and names of sources."""
    cases = list({(case.norm, case.form, case.mode): case for case in CASES}.values())
    cases += [Case("ghost_batch", "1d", "train", {"ghost": 1}), Case("instance", "1d")]  # both are refused
    settings = [{name: case.spec.values()[name] for name in DATA["values"]} for case in cases]
    torchs = "Expected more than 1 value per channel when training, got input size torch.Size"
    told = browser.evaluate(READ, [{**DATA, **MASKED}, settings, torchs])
    assert len(told) > 1000
    assert {word for text in told for word in re.findall(r"(?<!\.)\b[a-zA-Z]{3,}\b(?!\()", text)} == set()


class TestWhatShips:
    def test_the_file_is_what_the_lab_makes(self) -> None:
        assert (static.FOLDER / "anatomy.json").read_text(encoding="utf-8") == shipped.text()

    def test_shapes_are_the_specs(self) -> None:
        made = shipped.tensors()
        assert {form: tuple(tensor["shape"]) for form, tensor in made["forms"].items()} == SHAPES
        assert tuple(made["weights"]["shape"]) == WEIGHTS
        for tensor in made["forms"].values():
            assert len(set(tensor["x"])) > 10
            assert min(tensor["running_var"]) > 0.01


class TestSpec:
    def test_a_cell_outside_the_tensor_is_refused(self) -> None:
        spec, problems = Anatomy.from_query({"form": "1d", "cell": "16", "norm": "layer"})
        assert spec == Anatomy(form="1d", norm="layer")
        assert [problem.field for problem in problems] == ["cell"]
        with pytest.raises(SpecError, match="0 to 35"):
            Anatomy(norm="weight_norm", cell=36)
        assert Anatomy(cell=255).cell == 255

    def test_every_norm_and_form_has_its_reason_or_none(self) -> None:
        told = {norm["name"]: norm["unfit"] for norm in DATA["norms"]}
        assert list(told) == list(NORMS)
        for norm, unfit in told.items():
            assert unfit == {
                form: reason(norm, LAYOUTS[form]) for form in SHAPES if reason(norm, LAYOUTS[form])
            }

    def test_the_browser_gets_every_setting(self) -> None:
        told = _data(Anatomy(norm="layer", axes="c", stage="dx"))
        assert Anatomy(**told["values"]) == Anatomy(norm="layer", axes="c", stage="dx")
        assert Anatomy(**told["defaults"]) == Anatomy()
        assert [name for name, _ in told["choices"]["stage"]] == list(STAGES)
        for address in (told["module"], told["tensors"]):
            assert (static.FOLDER / address.rpartition("/")[2]).is_file()

    def test_the_page_is_drawn_without_an_error(self) -> None:
        def page() -> None:
            from normviz.specs.anatomy import Anatomy
            from normviz.ui.anatomy import anatomy

            anatomy(Anatomy())

        assert not AppTest.from_function(page).run().exception

    @pytest.mark.browser
    def test_what_can_be_moved_fits_into_a_link(self, browser: Page) -> None:
        limits = browser.evaluate('async () => (await import("/anatomy_sliders.js")).LIMITS')
        bounds = {"dragged": "x", "gamma": "γ", "beta": "β", "g": "g"}
        assert {kind: tuple(limits[symbol]) for kind, symbol in bounds.items()} == edits.BOUNDS
        longest = ",".join(f"{235 + i}=-4.9" for i in range(edits.MOST))
        assert len(Anatomy(dragged=longest).moved["dragged"]) == edits.MOST
