"""Scripts and notebooks as files: complete, linted, without a trace of this project's modules."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_DATASETS, ALL_NETWORKS
from normviz.export import ExportError, chapters, file_name, notebook, script
from normviz.export.experiments import RECIPES
from normviz.export.sources import piece
from normviz.spec import Spec
from normviz.specs import experiment
from normviz.specs.batch_size import BatchSize
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.sequences import Sequences
from normviz.specs.start import Start
from normviz.specs.step_cost import StepCost
from normviz.specs.train import Train
from tests.export.exported import loaded
from tests.export.test_train import assert_agree_in_double, lab

ROOT = Path(__file__).parents[2]


@cache
def specs() -> dict[str, Spec]:
    """Default of every experiment that has a script, and every network and data set of Train."""
    told: dict[str, Spec] = {name: experiment(name)() for name in RECIPES if name != "start"}
    told["start"] = Start(shuffle=2, sorted=True, swaps="5-17")
    for name, net in ALL_NETWORKS.items():
        for dataset, data in ALL_DATASETS.items():
            if not net.refusal(data.shape):
                norms = [norm for norm in NORMS if not net.reason(norm)]
                for part in (norms[:6], norms[6:]):
                    if part:
                        told[f"{name} {dataset} {part[0]}"] = Train(
                            network=name, dataset=dataset, norms=tuple(part), depth=6, dropout=0.1
                        )
    for name, net in ALL_NETWORKS.items():
        norms = tuple(norm for norm in NORMS if not net.reason(norm))[:6]
        told[f"step_cost {name}"] = StepCost.of_step(
            Train(**{**Train.suited(name), "network": name, "norms": norms})
        )
    told |= {f"sequences {name}": Sequences(network=name) for name in ("rnn", "gru")}
    told |= {f"forgotten_eval {norm}": ForgottenEval(norm=norm) for norm in ("layer", "batch_renorm")}
    told["forgotten_eval cnn"] = ForgottenEval(network="cnn")
    told["batch_size batch"] = BatchSize(changes="batch", network="cnn")
    first, second = "200:lr=0.03;300:norm.batch=none", "100:batch_size=16;200:norm.none=weight_norm"
    for changes in (first, second):
        told[changes] = Train(changes=changes, norms=("none", "batch", "batch_renorm", "ghost_batch"))
    told["two classes"] = Train(batches="two_classes", norms=("batch", "layer"), changes="50:batch_size=16")
    return told


@cache
def scripts() -> dict[tuple[str, str], str]:
    """The script of every chapter of every spec."""
    return {(name, one): script(spec, one) for name, spec in specs().items() for one in chapters(spec)}


def test_scripts_are_clean(tmp_path: Path) -> None:
    for number, (name, text) in enumerate(scripts().items()):
        compile(text, " ".join(name), "exec")
        (tmp_path / f"script_{number}.py").write_text(text, encoding="utf-8")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", ROOT / "pyproject.toml", tmp_path],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_files_hide_no_module_of_python() -> None:
    for name, chapter in scripts():
        file = file_name(specs()[name].name, chapter, "py")
        assert not file.removesuffix(".py").isidentifier(), file


def test_scripts_import_nothing_of_this_project() -> None:
    for name, text in scripts().items():
        tree = ast.parse(text)
        modules = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
        modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        roots = {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names)
        assert roots <= {"torch", "sklearn", "numpy"}, name


def test_scripts_are_short() -> None:
    """Of the pages' defaults; a line is one of code, without comments, docstrings and empty ones."""
    for (name, chapter), text in scripts().items():
        if name in RECIPES:
            assert lines_of_code(text) <= 200, (name, chapter)
    common = ("start", "forgotten_eval", "signal", "train", "placement", "lr_init", "scale", "landscape")
    for name in common:
        assert lines_of_code(script(specs()[name])) <= 150, name


def lines_of_code(text: str) -> int:
    """Lines that hold a token which is no comment and no docstring."""
    told = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    silent = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    held = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in silent
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(held - told)


def test_scripts_say_from_which_link_they_were_made() -> None:
    for (name, chapter), text in scripts().items():
        spec = specs()[name]
        head = ast.get_docstring(ast.parse(text)) or ""
        query = "".join(line.strip() for line in head.partition("from\n")[2].splitlines())
        told = dict(one.split("=", 1) for one in query.removeprefix("?").split("&"))
        whose = spec.replace(claim=chapter) if name == "claims" else spec
        assert type(spec).from_query({one: value.replace("+", " ") for one, value in told.items()}) == (
            whose,
            [],
        )
        assert spec.title in head
        assert torch.__version__.partition("+")[0] in head


def test_scripts_name_the_other_chapters() -> None:
    for name, spec in specs().items():
        if name != "claims":
            for one in chapters(spec):
                head = " ".join((ast.get_docstring(ast.parse(scripts()[name, one])) or "").split())
                others = ", ".join(other for other in chapters(spec) if other != one)
                assert not others or f"the page has more: {others} (" in head, (name, one)


def test_a_script_holds_only_what_its_spec_needs() -> None:
    text = script(Train(norms=("none", "layer")))
    assert "LayerNorm" in text
    for absent in (
        "BatchNorm",
        "GroupNorm",
        "Dropout",
        "Adam",
        "renorm",
        "if False",
        "nn.Conv2d(",
        "SWITCHES",
    ):
        assert absent not in text


def test_a_script_runs_alone(tmp_path: Path) -> None:
    spec = Train(norms=("none", "batch"), depth=1, width=16, steps=50, seeds=1, batch_size=8)
    file = tmp_path / "script.py"
    file.write_text(script(spec), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", file], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    theirs = lab(spec, 11)["loss"]
    rows = re.findall(r"^ *(\d+) +(\d+\.\d{6})(?: \(.*?\))? +(\d+\.\d{6})", done.stdout, re.M)
    assert [int(step) for step, *_ in rows] == list(spec.recorded_steps)
    np.testing.assert_allclose([float(one) for one in rows[1][1:]], theirs[1, :, 0], rtol=1e-4)


def test_double_precision_over_a_hundred_steps() -> None:
    more = {"norms": ("none", "batch", "layer", "group"), "depth": 3, "width": 32, "seeds": 1, "lr": 0.05}
    assert_agree_in_double(Train(**more, every=1), 100)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_whole_race_ends_within_the_spread_of_the_seeds() -> None:
    spec = Train(norms=("none", "batch"), depth=3, lr=0.1, seeds=5)
    records = loaded(spec).main()
    accuracy = lab(spec, len(spec.recorded_steps))["accuracy"][spec.steps]
    for v, norm in enumerate(spec.norms):
        ours = np.mean([records[norm, seed][-1][2] for seed in spec.seed_values])
        assert abs(ours - accuracy[v].mean()) < max(0.01, 2 * accuracy[v].std(ddof=1))


@pytest.mark.parametrize(("name", "chapter"), [("train", ""), ("forgotten_eval", "opposites")])
def test_a_notebook_is_the_script_in_cells(name: str, chapter: str) -> None:
    spec = specs()[name]
    told = json.loads(notebook(spec, chapter))
    assert (told["nbformat"], told["nbformat_minor"]) == (4, 5)
    cells = told["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        assert cell["cell_type"] in ("markdown", "code")
        assert isinstance(cell["source"], list)
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        keys = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == (keys | {"execution_count", "outputs"} if cell["cell_type"] == "code" else keys)
    assert cells[0]["source"][0] == f"# {spec.title}\n"
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    text = "".join(
        line for line in script(spec, chapter).splitlines(keepends=True) if not line.startswith("#")
    )
    assert ast.dump(ast.parse(code)) == ast.dump(ast.Module(ast.parse(text).body[1:], []))


def test_an_experiment_without_a_script_says_so() -> None:
    class Unknown(Train):
        name = "unknown"
        title = "What is not known?"

    with pytest.raises(ExportError, match="no script for “What is not known"):
        script(Unknown())


@pytest.mark.parametrize(
    "name", sorted(one.stem for one in (ROOT / "normviz/export/pieces").glob("[a-z]*.py"))
)
def test_every_piece_has_a_heading(name: str) -> None:
    one = piece(name)
    assert one.title
    assert not one.title.endswith(".")
