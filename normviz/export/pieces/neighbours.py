"""The experiment

Each test sample is predicted in training mode, in several random batches: does its label depend on its
batch-mates?  Then the unsteadiest sample of the first network meets ever new ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import labels_in, logits_of, share_changing
from normviz.export.pieces.settings import COMPANIES, DEPLOY_BATCH, DRAWN_BEFORE, DRAWS, NORM, SEEDS
from normviz.export.pieces.tabled import spread
from normviz.export.pieces.training import new_optimizer


def main() -> tuple[list[float], list[float]]:
    """Share of the labels that change, seed by seed; probabilities of the right label in new company."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    shares, met = [], []
    for seed in SEEDS:
        _, _, x, y = load_data(seed)
        net = network(NORM, seed)
        fit(net, new_optimizer(net), seed)
        draws = generator(seed, "trials")
        for _ in range(DRAWN_BEFORE):  # orders that the page uses for other things
            torch.randperm(len(y), generator=draws)
        labels = labels_in(net, x, [torch.randperm(len(y), generator=draws) for _ in range(DRAWS)])
        shares.append(share_changing(labels))
        if seed == SEEDS[0]:
            sample = unsteadiest(net, x, y, labels)
            met = company(net, x, y, sample, draws)
    print(f"labels that change among {DRAWS} random batches of {DEPLOY_BATCH}: {spread(shares)} percent")
    return shares, met


def unsteadiest(net: nn.Module, x: Tensor, y: Tensor, labels: Tensor) -> int:
    """The sample with the most labels, of those that eval mode gets right; where it is sure of it, first."""
    sureness, evaluated = logits_of(net, x).double().softmax(1).max(1)
    changing = (labels != labels[0]).any(0) & (labels >= 0).all(0)
    right = (changing & (evaluated == y)).nonzero().flatten().tolist()
    return max(right, key=lambda i: (sureness[i].item() > 0.9, len(set(labels[:, i].tolist()))), default=0)


def company(net: nn.Module, x: Tensor, y: Tensor, sample: int, draws: torch.Generator) -> list[float]:
    """Probability in percent of a sample's right label, each time among other batch-mates."""
    alone = logits_of(net, x[[sample]]).double().softmax(1)[0, y[sample]].item()
    print(f"sample {sample}, a {y[sample]}: in eval mode {alone:.1%} sure of it; in training mode")
    met = []
    for _ in range(COMPANIES):
        order = torch.randperm(len(y), generator=draws)
        batch = torch.cat((torch.tensor([sample]), order[order != sample][: DEPLOY_BATCH - 1]))
        probabilities = logits_of(net, x[batch], len(batch)).double().softmax(1)[0]
        met.append(100 * probabilities[y[sample]].item())
        print(f"  {met[-1]:5.1f}% sure of a {y[sample]}, says {probabilities.argmax()}")
    return met
