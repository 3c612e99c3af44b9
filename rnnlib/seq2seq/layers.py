"""PyTorch's recurrent layers with NumPy's randomness, and their parameters under this book's names."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from rnnlib.cells.initializers import draw

__all__ = ["CELLS", "book_names", "drawn", "embedding", "recurrent", "zeros"]

CELLS: dict[str, type[nn.GRU] | type[nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}
BOOK_NAMES = {"weight_ih_l0": "W_x", "weight_hh_l0": "W_h", "bias_ih_l0": "b_x", "bias_hh_l0": "b_h"}


def recurrent(
    cell: str, input_size: int, hidden_size: int, rng: np.random.Generator, *, bidirectional: bool = False
) -> nn.GRU | nn.LSTM:
    """A layer of `torch.nn`, drawn as PyTorch draws it, uniform within ±1/√H, but from `rng`."""
    with torch.random.fork_rng(devices=[]):  # PyTorch draws first, and its own generator shall not notice
        layer = CELLS[cell](input_size, hidden_size, bidirectional=bidirectional)
    limit = hidden_size**-0.5
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.from_numpy(rng.uniform(-limit, limit, tuple(p.shape))))
    return layer


def embedding(size: int, width: int, rng: np.random.Generator) -> nn.Embedding:
    """A table of vectors, standard normal as PyTorch's."""
    vectors = torch.tensor(rng.normal(size=(size, width)), dtype=torch.float32)
    return nn.Embedding.from_pretrained(vectors, freeze=False)


def drawn(rng: np.random.Generator, *shape: int) -> nn.Parameter:
    """A matrix for row vectors, (in, out), or one column of it; Glorot and Bengio's uniform distribution."""
    matrix = draw("glorot_uniform", rng, shape if len(shape) == 2 else (*shape, 1), "initializer")
    return nn.Parameter(torch.tensor(matrix.reshape(shape), dtype=torch.float32))


def zeros(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape))


def book_names(module: nn.Module) -> dict[str, tuple[nn.Parameter, bool]]:
    """Parameters under the book's names, and whether PyTorch keeps them transposed: a recurrent layer's matrices are
    (G·H, D) there and (D, G·H) here."""
    found = {}
    for path, p in module.named_parameters():
        *place, name = path.split(".")
        if place and place[-1] in ("rnn", "embedding"):
            kind = place.pop()
            if kind == "embedding":
                name = kind
            elif name.endswith("_reverse"):
                place, name = [*place, "backwards"], name.removesuffix("_reverse")
        found[".".join([*place, BOOK_NAMES.get(name, name)])] = p, name in BOOK_NAMES and p.ndim == 2
    return found


def last_of(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """PyTorch's last state as a tuple, each part (B, H): both directions side by side."""
    parts = state if isinstance(state, tuple) else (state,)
    return tuple(torch.cat(tuple(part), dim=-1) for part in parts)  # (directions, B, H/directions) each
