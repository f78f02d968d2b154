"""Changes during a run as text: read, written, refused, told."""

import pytest

from normviz.spec import SpecError
from normviz.specs import from_json
from normviz.specs.train import Train
from normviz.specs.train_changes import Change, in_words, read, write

TEXT = "100:lr=0.03;200:batch_size=16;200:norm.batch=none"


def test_a_text_is_read_in_order_and_written_again():
    changes = read(" 200 : norm.batch = none ; 200:batch_size=16;100:lr=0.030;")
    assert changes == (
        Change(100, "lr", 0.03), Change(200, "batch_size", 16), Change(200, "norm", "none", "batch"),
    )  # fmt: skip
    assert write(changes) == TEXT
    assert read("") == ()


def test_it_goes_through_url_and_json_and_has_one_form():
    spec = Train(changes="200:norm.batch=none; 100:lr=3e-2; 200:batch_size=16")
    assert spec.changes == TEXT
    assert Train.from_query(spec.to_query()) == (spec, [])
    assert from_json(spec.to_json()) == spec
    assert spec.key == Train(changes=TEXT).key != Train().key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "such as 200:lr=0.03"),
        ("-5:lr=0.1", "such as 200:lr=0.03"),
        ("1e3:lr=0.1", "such as 200:lr=0.03"),
        ("10:depth=3", "What can change is lr, batch_size"),
        ("10:norm=batch", "What can change is lr, batch_size"),
        ("10:lr=fast", "“fast” is not a number"),
        ("10:lr=nan", "from 0.0001 to 10"),
        ("10:lr=99", "from 0.0001 to 10"),
        ("10:batch_size=17", "2, 4, 8"),
        ("0:lr=0.1", "a step from 1 to 399"),
        ("400:lr=0.1", "a step from 1 to 399"),
        ("10:norm.frn=batch", "the variants none, batch, layer, group"),
        ("10:norm.batch=bach", "none, batch, layer"),
        ("10:norm.batch=frn", "It belongs to convolutions."),
        ("10:lr=0.1;10:lr=0.2", "changes twice"),
        ("1:lr=1;2:lr=1;3:lr=1;4:lr=1;5:lr=1", "take 1 away"),
        ("x" * 300, "such as 200:lr=0.03"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(text, told):
    with pytest.raises(SpecError) as caught:
        Train(changes=text)
    assert caught.value.field == "changes"
    assert told in caught.value.sentence
    spec, problems = Train.from_query({"changes": text, "lr": "0.1"})
    assert spec == Train(lr=0.1)
    assert problems


def test_what_a_changed_norm_needs_is_checked_too():
    with pytest.raises(SpecError, match="Ghost batch size"):
        Train(changes="10:norm.none=ghost_batch", batch_size=8)
    with pytest.raises(SpecError, match="Groups"):
        Train(norms=("none",), changes="10:norm.none=group", width=16, groups=16)


def test_they_are_told_in_words():
    assert in_words(TEXT) == (
        "from step 100 learning rate 0.03; from step 200 batch size 16; "
        "from step 200 Batch norm becomes no normalization"
    )
    assert in_words("") == "none"
    assert in_words("nonsense") == "nonsense"


def test_what_is_in_force_at_a_step():
    spec = Train(norms=("none", "batch"), changes="50:norm.batch=layer;100:batch_size=16;150:norm.batch=rms")
    assert [spec.norms_at(step)[1] for step in (0, 49, 50, 149, 150)] == [
        "batch", "batch", "layer", "layer", "rms",
    ]  # fmt: skip
    assert [spec.batch_size_at(step) for step in (99, 100)] == [64, 16]
    assert spec.batch_sizes == ((64, 100), (16, 300))
    assert spec.norms_used == ("none", "batch", "layer", "rms")


def test_the_cost_counts_each_batch_size_for_its_steps():
    one, two = Train(every=50, steps=400), Train(every=50, steps=400, changes="100:batch_size=16")
    once = one.net.multiply_adds(one.data.shape, one.data.classes, one.depth, one.width) * 12
    assert one.cost().multiply_adds - two.cost().multiply_adds == once * 3 * (64 - 16) * 300


def test_a_smaller_race_is_one_of_the_same_kind():
    large = Train(dataset="shapes", network="cnn")
    small = large.smaller(4e11)
    assert small.cost().multiply_adds <= 4e11 < large.cost().multiply_adds
    assert (small.norms, small.dataset, small.network, small.lr) == (large.norms, "shapes", "cnn", large.lr)
    assert Train().smaller(4e11) == Train()
    planned = Train(dataset="shapes", network="cnn", changes="390:lr=0.1")
    assert planned.smaller(1.0).changes == "390:lr=0.1"
