"""A PyTorch encoder and decoder that trains in `rnnlib.training.fit`; run as a script, it is killed in the middle.

It learns to write a sequence of digits backward. A batch has two masks, one for the source and one for the target.
"""

import os
import signal
import sys
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from rnnlib.registry import register
from rnnlib.training import Adam, Run, fit

SYMBOLS, START = 10, 10


class Pairs(NamedTuple):
    """source, target (T, B) integers; their masks (T, B), 1 where a symbol is real."""

    source: np.ndarray
    source_mask: np.ndarray
    target: np.ndarray
    target_mask: np.ndarray


class Losses(NamedTuple):
    """What `fit` reads of one pass."""

    loss: float
    gradients: dict[str, np.ndarray]
    state: None
    symbols: int


@register
class Translator(nn.Module):
    """Encoder and decoder, GRUs with shared embeddings."""

    def __init__(self, hidden_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden_size, self.dropout = hidden_size, dropout
        self.embedding = nn.Embedding(SYMBOLS + 1, hidden_size)
        self.encoder, self.decoder = (nn.GRUCell(hidden_size, hidden_size) for _ in range(2))
        self.output = nn.Linear(hidden_size, SYMBOLS)

    def config(self) -> dict[str, float]:
        return {"hidden_size": self.hidden_size, "dropout": self.dropout}

    @property
    def params(self) -> dict[str, np.ndarray]:
        return {name: p.detach().numpy() for name, p in self.named_parameters()}

    @property
    def has_dropout(self) -> bool:
        return self.dropout > 0

    def after_update(self) -> None:
        pass

    def logits(self, batch: Pairs) -> torch.Tensor:
        """(T, B, SYMBOLS), each step having seen the targets before it."""
        source, real = torch.tensor(batch.source), torch.tensor(batch.source_mask)
        h = torch.zeros(source.shape[1], self.hidden_size)
        for t in range(len(source)):
            h = torch.where(real[t, :, None], self.encoder(self.embedding(source[t]), h), h)
        h = nn.functional.dropout(h, self.dropout, self.training)
        target, steps = torch.tensor(batch.target), []
        before = torch.cat([torch.full_like(target[:1], START), target[:-1]])
        for t in range(len(target)):
            h = self.decoder(self.embedding(before[t]), h)
            steps.append(self.output(h))
        return torch.stack(steps)

    def loss_and_gradients(self, batch: Pairs, state=None, rng=None) -> Losses:
        if rng is not None:
            torch.manual_seed(int(rng.integers(2**31)))  # dropout follows the run's generator
        self.zero_grad()
        real = torch.tensor(batch.target_mask)
        loss = nn.functional.cross_entropy(self.logits(batch)[real], torch.tensor(batch.target)[real])
        loss.backward()
        gradients = {name: p.grad.numpy() for name, p in self.named_parameters()}
        return Losses(loss.item(), gradients, None, int(batch.target_mask.sum()))


def batches(rng: np.random.Generator):
    """Eight batches of sequences of two to four digits, to be written backward."""
    for _ in range(8):
        lengths = rng.integers(2, 5, size=16)
        mask = np.arange(4)[:, None] < lengths
        source = np.where(mask, rng.integers(SYMBOLS, size=mask.shape), 0)
        target = np.zeros_like(source)
        for b, length in enumerate(lengths):
            target[:length, b] = source[:length, b][::-1]
        yield Pairs(source, mask, target, mask)


def fresh(seed: int) -> tuple[Translator, Adam, Run]:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    return Translator(24, dropout=0.1), Adam(0.01), Run(np.random.default_rng(seed))


if __name__ == "__main__":
    model, optimiser, run = fresh(seed=1)
    fit(
        model, batches, optimiser, max_steps=20, run=run, checkpoint=sys.argv[1], checkpoint_every=5,
        callback=lambda run: os.kill(os.getpid(), signal.SIGKILL) if run.step == 13 else None,
    )  # fmt: skip
