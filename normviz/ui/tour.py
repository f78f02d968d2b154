"""The tour: a way through the pages, each stop with a task and an exit question; and the doors to all pages.

The site draws the strip after each page (``normviz.ui.site``), so pages do not know of it.  A stop whose page
this server does not show is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from normviz import player
from normviz.ui.doors import page_at
from normviz.ui.pages import PAGES, Page, shown
from normviz.ui.words import _, numeral, spoken
from normviz.versions import About


@dataclass(frozen=True)
class Stop:
    """One page of the tour.  Texts are Markdown; answers say what the page itself shows."""

    path: str
    part: str
    """What the stop is for, in a word or two."""
    minutes: int
    task: str
    question: str
    answer: str

    @property
    def page(self) -> Page:
        """Its page."""
        found = page_at(self.path)
        assert found is not None
        return found


_ALL = (
    Stop(
        "", "The shock", 2,
        "Switch to `train()`, then make the batch smaller until tiles turn red. Then put one digit into "
        "another batch and watch its label.",
        "Not one weight changes when you flip the switch. What does?",
        "The numbers by which batch norm normalizes: in training mode mean and variance of the digits in "
        "the same batch, in evaluation mode the stored running averages. Other batch-mates, other answers.",
    ),
    Stop(
        "forgotten-eval", "The shock, taken apart", 4,
        "Find the batch size at which the forgotten `eval()` costs nothing that you would notice, and the "
        "one at which nearly half of the answers are wrong.",
        "Why did validation not see the mistake?",
        "Because it used large, mixed batches, whose statistics are close to the running ones. The error "
        "grows as batches shrink or hold one class: compare the curves for shuffled and sorted batches.",
    ),
    Stop(
        "anatomy", "The mechanism", 4,
        "Under batch norm drag one cell and see which others move. Then choose layer norm, and then "
        "instance norm, and drag the same cell again.",
        "Which norms move cells of *other* samples, and why does that matter in use?",
        "Only those of the batch family in training mode: their groups reach across samples. Under layer, "
        "RMS, group and instance norm a group stays within one sample, so its batch-mates cannot change it.",
    ),
    Stop(
        "batch-size", "The limits", 4,
        "Find the smallest batch at which batch norm still keeps up with the norms that look at one sample.",
        "Does accumulating gradients over sixteen batches of two help batch norm?",
        "No. The update then averages 32 samples, but each forward pass still normalizes two at a "
        "time: the batch that is normalized stays as small as it was.",
    ),
    Stop(
        "signal", "The benefit, before training", 4,
        "Without a norm, find a gain at which the signal neither vanishes nor explodes. Then change the "
        "activation, and see whether the gain still fits.",
        "Batch norm keeps the size of the signal. What does it do to the gradients of a deep ReLU network?",
        "It makes them grow, layer by layer on their way back: see the gradient of the activations against "
        "the dashed rate that theory predicts for the batch size. Layer norm does not do that here.",
    ),
    Stop(
        "train", "The benefit", 5,
        "Lower the learning rate until all variants learn, then raise it until one of them no longer does.",
        "Is batch norm faster because it is batch norm?",
        "Not by itself: at a small learning rate the variants can be alike, or the plain network ahead. "
        "What it buys is the range of rates and initializations at which training works. Compare each at "
        "its own rate.",
    ),
    Stop(
        "diagnose", "The cure", 3,
        "Take a symptom that you have met yourself, follow its link, and see the symptom and its cure.",
        "Which norm is the best one?",
        "None for everything. Whether the batch is large enough, whether training and use see the same "
        "kind of batches, and what the network looks like decide. What each costs here is measured above.",
    ),
)  # fmt: skip

DOORS = {
    "": "The same weights and pictures, and answers that change with the batch.",
    "forgotten-eval": "Train the network, ship the mistake, watch validation miss it, and repair it.",
    "anatomy": "Eleven norms on one small tensor, cell by cell, forward and backward.",
    "batch-size": "How few samples each norm can live with.",
    "signal": "Deep networks before training: what survives fifty layers, and what explodes.",
    "train": "Race the same network with and without normalization, every layer in view, live.",
    "why": "What normalization changes about the loss, and what was believed about it.",
    "sequences": "RNN and transformer: what leaks from the future, and what padding does.",
    "claims": "Twelve statements from an introduction to batch norm, judged by experiment.",
    "diagnose": "From a symptom to its cure, and from a network to its norm, with what each costs here.",
}
"""What lies behind each page's door, by its address."""


def stops() -> tuple[Stop, ...]:
    """The stops whose pages this server shows."""
    return tuple(stop for stop in _ALL if page_at(stop.path))


def strip(page: Page) -> None:
    """The foot of a page: where on the tour one is, a task, an exit question, and the way on."""
    way = stops()
    if len(way) == 1:
        return
    at = next((n for n, stop in enumerate(way) if stop.path == page.url_path), None)
    with st.container(border=True, key="tour"):
        if at is None:
            st.markdown(_("This page is beside the tour."))
            _link(way[0], _("To the tour"))
            return
        stop = way[at]
        st.markdown(
            _(
                "**The tour, stop {at} of {stops}: {part}** · about {minutes} minutes",
                at=at + 1, stops=len(way), part=spoken(stop.part), minutes=stop.minutes,
            )
        )  # fmt: skip
        st.markdown(_("**Task.** {task}", task=spoken(stop.task)))
        with st.expander(_("**Exit question.** {question}", question=spoken(stop.question))):
            st.markdown(spoken(stop.answer))
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            if at:
                _link(way[at - 1], _("Back: {page}", page=spoken(way[at - 1].page.title)), "arrow_back")
            if at + 1 < len(way):
                _link(way[at + 1], _("Next: {page}", page=spoken(way[at + 1].page.title)), "arrow_forward")
            else:
                _link(way[0], _("Back to the start"), "restart_alt")


def _link(stop: Stop, words: str, icon: str = "route") -> None:
    st.page_link(stop.page.file, label=words, icon=f":material/{icon}:")


def doors() -> None:
    """The tour in one line, a door to every page, and what computes here."""
    behind = [page for page in shown() if page.url_path and page in PAGES]
    if behind:
        st.header(_("Where to go from here"))
        _way(stops())
    columns = 3
    for start in range(0, len(behind), columns):
        for column, page in zip(st.columns(columns), behind[start : start + columns], strict=False):
            with column.container(border=True, height="stretch"):
                st.page_link(page.file, label=f"**{spoken(page.title)}**", icon=f":material/{page.icon}:")
                st.markdown(spoken(DOORS[page.url_path]))
    st.caption(_device())


def _way(way: tuple[Stop, ...]) -> None:
    if len(way) == 1:
        return
    minutes = sum(stop.minutes for stop in way)
    names = " → ".join(spoken(stop.page.title) for stop in way)
    st.markdown(
        _(
            "**The tour**, about {minutes} minutes: {names}. At the foot of each page stand a task, a "
            "question and the way on. Or take any door:",
            minutes=minutes,
            names=names,
        )
    )


def _device() -> str:
    """What computes the runs of this site, in words."""
    about = player.current().about if player.current().running else None
    if about is None:
        return _("The engine is starting.")
    return " ".join((*computing(about), _("This page and Anatomy compute in your browser.")))


def computing(about: About) -> Iterator[str]:
    """Sentences on the device that computes, what else was found, why it was not taken, and how to switch."""
    others = [name for name in about.devices if name != about.device]
    if about.device == "cpu":
        yield _(
            "Runs are computed on the processor ({cpu}) by PyTorch {torch}, one thread for each.",
            cpu=about.cpu, torch=about.torch,
        )  # fmt: skip
    else:
        yield _("Runs are computed on the GPU {gpu} by PyTorch {torch}.", gpu=about.device, torch=about.torch)
    if not others:
        yield _("No GPU was found.")
        return
    if about.device == "cpu":
        yield _("Found beside it: {gpus}.", gpus=", ".join(others))
    if about.milliseconds:
        yield _(
            "A training step of the race on Train took, at the start of this server: {times}.",
            times=", ".join(f"{device} {numeral(f'{time:.2f}')} ms" for device, time in about.milliseconds),
        )  # fmt: skip
    yield _("Who operates this server switches by NORMVIZ_DEVICE.")
