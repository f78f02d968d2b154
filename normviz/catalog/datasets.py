"""The data sets as facts.  Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

BATCHES = ("shuffled", "two_classes")
"""What a training batch is drawn from: all training samples, each once an epoch, or those of two classes."""


@dataclass(frozen=True)
class Dataset:
    """A classification problem, split afresh into training and test samples for each seed."""

    name: str
    label: str
    description: str
    shape: tuple[int, ...]
    """Of one sample: (channels, height, width), or (coordinates,)."""
    classes: int
    n_train: int
    n_test: int
    loader: str
    """Where the lab finds it, as "module:name": a function from the seed to a split."""
    source: str = ""
    padded: bool = False
    """Whether samples are sequences of several lengths, with empty steps behind the shorter ones."""

    @property
    def size(self) -> int:
        """Samples in all."""
        return self.n_train + self.n_test

    @property
    def surely_in_two_classes(self) -> int:
        """Training samples of two classes, at least: three quarters of what two hold on average.

        Sizes of classes differ from seed to seed, since samples are drawn or split at random: the two
        smallest classes of the digits, 174 samples each, have 194 ± 8 of the training samples together.
        """
        return 3 * 2 * self.n_train // (4 * self.classes)

    @property
    def planar(self) -> bool:
        """Whether samples are points of the plane, so that the decision surface can be drawn."""
        return self.shape == (2,)


def _points(name: str, label: str, description: str, classes: int = 2) -> Dataset:
    return Dataset(name, label, description, (2,), classes, 1000, 500, f"normviz.lab.data.points:{name}")


DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="digits",
            label="Digits",
            description="1,797 handwritten digits of 8×8 pixels, scanned.",
            shape=(1, 8, 8),
            classes=10,
            n_train=1000,
            n_test=797,
            loader="normviz.lab.data.digits:digits",
            source="Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning "
            "Repository; the copy of scikit-learn (load_digits)",
        ),
        Dataset(
            name="shapes",
            label="Shapes",
            description="Colour pictures of 32×32 pixels, drawn afresh for each seed: a circle, ring, "
            "square, triangle, cross or star, bright on a dark ground, of any colour, turned, with noise.",
            shape=(3, 32, 32),
            classes=6,
            n_train=2000,
            n_test=500,
            loader="normviz.lab.data.shapes:shapes",
        ),
        _points("moons", "Two moons", "Two interlocking half circles in the plane, with noise."),
        _points("circles", "Circles", "Two rings around one centre in the plane, with noise."),
        _points("spiral", "Spiral", "Three intertwined spiral arms in the plane, with noise.", classes=3),
        _points("xor", "XOR", "Four clouds at the corners of a square; opposite corners are one class."),
    )
}
"""All data sets by name, in the order in which they are offered."""
