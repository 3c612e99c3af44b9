"""An encoder and a decoder joined, with their loss: a PyTorch module that `fit` trains (chapters 9 and 10).

    T_x source symbols · T_y target symbols · B pairs side by side · E embedding · H units · V_x, V_y symbols
    source (T_x, B) · encoded (T_x, B, H) · target_in, target_out (T_y, B) · h (T_y, B, H) · logits (T_y, B, V_y)

PyTorch keeps the graph and derives the backward pass. The loop, its optimisers, history and checkpoints are those of
the chapters before: `params` and the gradients are NumPy arrays on PyTorch's own memory, in this book's layout.

Deliberately absent: several layers, GPUs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor, nn

from rnnlib.bptt import dropout as draw_dropout
from rnnlib.cells.arguments import generator, number, positive, rate
from rnnlib.registry import register
from rnnlib.seq2seq.arguments import as_mask, as_tensor, float_type
from rnnlib.seq2seq.attention import SCORES
from rnnlib.seq2seq.batches import PairBatch
from rnnlib.seq2seq.decoder import USES, Decoder
from rnnlib.seq2seq.encoder import CONTEXTS, Encoder, Memory
from rnnlib.seq2seq.layers import CELLS, book_names

__all__ = ["Seq2Seq", "Step", "log_probabilities", "masked_cross_entropy", "mean_loss"]

Factors = tuple[Tensor, tuple[Tensor, Tensor]]


class Step(NamedTuple):
    """What one pass forward and backward gives `fit`."""

    loss: float
    """Nats per valid target symbol."""
    gradients: dict[str, np.ndarray]
    """Same keys and shapes as ``model.params``."""
    state: None
    """Nothing is carried from batch to batch."""
    symbols: int
    """How many valid target symbols the loss is the mean of, ``<eos>`` included."""


def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> tuple[Tensor, int]:
    """The sum of −log p(target) over the valid symbols, in nats, and their number.

    Parameters
    ----------
    logits : (T_y, B, V_y) tensor
    targets : (T_y, B) tensor of int64
        At padding whatever is in the vocabulary.
    mask : (T_y, B) tensor of bool

    Returns
    -------
    total : tensor without axes
    count : int

    Examples
    --------
    >>> masked_cross_entropy(torch.zeros(2, 1, 4), torch.tensor([[2], [0]]), torch.tensor([[True], [False]]))
    (tensor(1.3863), 1)
    """
    log_p = torch.log_softmax(logits, dim=-1)
    surprise = -log_p.gather(-1, targets[..., None])[..., 0]  # (T_y, B)
    return torch.where(mask, surprise, 0).sum(), int(mask.sum())


@register
class Seq2Seq(nn.Module):
    """An encoder, a decoder, and attention between them if asked for.

    Parameters
    ----------
    source_size, target_size : int
        V_x and V_y, the special symbols included.
    hidden_size : int
        H, of the decoder and of the encoder, whose two directions, if it has two, have H/2 each.
    embedding_size : int
        E, on both sides.
    cell : {"gru", "lstm"}
        PyTorch's: in a GRU the reset gate comes after the product.
    bidirectional : bool
        Whether the encoder reads from both ends.
    context : {"last", "transform_last", "transform_all"}
        How the source becomes one vector (`Encoder`).
    use : {"initial", "input", "both"}
        Where it enters the decoder (`Decoder`).
    attention : {None, "dot", "scaled_dot", "general", "additive"}
        `Attention`; `decoder` says in which form.
    dropout : float
        On embeddings and on what goes to the output; one mask per sentence for all its steps.
    teacher_forcing : float or function without arguments
        With which probability a training step feeds the true symbol before, drawn for every symbol; else the symbol
        that the model thinks likeliest, through which no gradient flows. A function is asked at each step, so that
        it can be a schedule (`rnnlib.seq2seq.forcing`). It belongs to training and not to the model: a checkpoint
        does not hold it, and it may be set at any time.
    rng : np.random.Generator
        Draws the parameters.
    dtype : float32 or float64

    Attributes
    ----------
    encoder : Encoder
    decoder : Decoder
    params : dict of arrays
        By name, for instance ``encoder.embedding`` (V_x, E), ``encoder.W_x`` (E, G·H), ``encoder.W_h`` (H, G·H),
        ``encoder.b_x``, ``decoder.attention.W_a`` (H, H), ``decoder.W_m`` (2H, H), ``decoder.b_q`` (V_y,). Gates are in
        PyTorch's order: r, z, n in a GRU, i, f, g, o in an LSTM. The arrays share PyTorch's memory.

    Raises
    ------
    ValueError, TypeError
        If an option is unknown or out of range.

    Examples
    --------
    >>> from rnnlib.seq2seq import pair_batch, vocabulary_of
    >>> from rnnlib.training import Adam, fit
    >>> x, y = vocabulary_of(["ab"]), vocabulary_of(["ab"])
    >>> model = Seq2Seq(len(x), len(y), hidden_size=16, embedding_size=8, rng=np.random.default_rng(0))
    >>> batch = pair_batch([("ab", "ba"), ("aab", "baa"), ("b", "b")], x, y)
    >>> run = fit(model, [batch], Adam(0.02), max_steps=60, progress=False)
    >>> run.history.loss[0] > 1.5, run.history.loss[-1] < 0.05
    (True, True)
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        *,
        hidden_size: int,
        embedding_size: int,
        cell: str = "gru",
        bidirectional: bool = False,
        context: str = "last",
        use: str = "initial",
        attention: str | None = None,
        dropout: float = 0.0,
        teacher_forcing: float | Callable[[], float] = 1.0,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        generator("rng", rng)
        for name, value, known in (
            ("cell", cell, tuple(CELLS)),
            ("context", context, CONTEXTS),
            ("use", use, USES),
            ("attention", attention, (None, *SCORES)),
        ):
            if value not in known:
                raise ValueError(f"{name}: expected one of {known}, got {value!r}")
        self._config: dict[str, Any] = {
            "source_size": positive("source_size", source_size),
            "target_size": positive("target_size", target_size),
            "hidden_size": positive("hidden_size", hidden_size),
            "embedding_size": positive("embedding_size", embedding_size),
            "cell": cell,
            "bidirectional": bool(bidirectional),
            "context": context,
            "use": use,
            "attention": attention,
            "dropout": rate("dropout", dropout),
            "dtype": float_type(dtype).name,
        }
        if bidirectional and hidden_size % 2:
            raise ValueError(f"hidden_size: expected an even number for two directions, got {hidden_size}")
        self.teacher_forcing = teacher_forcing
        shared: dict[str, Any] = {
            "embedding_size": embedding_size,
            "hidden_size": hidden_size,
            "cell": cell,
            "rng": rng,
        }
        self.encoder = Encoder(source_size, bidirectional=bool(bidirectional), context=context, **shared)
        self.decoder = Decoder(target_size, use=use, attention=attention, **shared)
        self.to(getattr(torch, float_type(dtype).name))

    @property
    def params(self) -> dict[str, np.ndarray]:
        """The parameters by name, as arrays on PyTorch's memory: what changes one changes the model."""
        found = book_names(self).items()
        return {name: p.detach().numpy().T if turned else p.detach().numpy() for name, (p, turned) in found}

    @property
    def has_dropout(self) -> bool:
        """Whether training needs randomness: for dropout, or to draw which symbols are fed."""
        return self._config["dropout"] > 0 or self.teacher_forcing != 1

    def forward(self, batch: PairBatch) -> Tensor:
        """Logits (T_y, B, V_y) with the truth fed: those at t depend on the source and on the target before t."""
        source, source_mask, target_in, *_ = self._tensors(batch)
        logits: Tensor = self.decoder(target_in, self.encoder(source, source_mask)).logits
        return logits

    def read(self, source: Any, source_mask: Any = None) -> Memory:
        """The encoder's `Memory` of sources (T_x, B) of integers; all symbols are real by default."""
        return self.encoder(*self._source(source, source_mask))

    def loss_and_gradients(self, batch: PairBatch, state: None = None, rng: np.random.Generator | None = None) -> Step:
        """One pass forward and backward.

        Parameters
        ----------
        batch : PairBatch
        state : None
        rng : np.random.Generator, optional
            Draws what is dropped and which symbols are fed. Without it nothing is dropped and the truth is fed.

        Raises
        ------
        ValueError, TypeError
            If shapes or symbols do not fit.
        """
        tensors = self._tensors(batch)
        factors = self._factors(tensors[0].shape[1], rng)
        logits = self._logits(tensors, 1.0 if rng is None else self._probability(self.teacher_forcing), rng, factors)
        total, count = masked_cross_entropy(logits, *tensors[3:])
        loss = total / count
        self.zero_grad()
        loss.backward()
        gradients = {
            name: np.zeros_like(p) if p.grad is None else (p.grad.numpy().T if turned else p.grad.numpy())
            for name, (p, turned) in book_names(self).items()
        }
        return Step(loss.item(), gradients, None, count)

    def evaluate(
        self, batch: PairBatch, teacher_forcing: float = 1.0, rng: np.random.Generator | None = None
    ) -> tuple[float, int]:
        """The loss of a batch without dropout: the sum in nats over the valid target symbols, and their number.

        Parameters
        ----------
        batch : PairBatch
        teacher_forcing : float
            1: the truth is fed. 0: free running, each step reads what the model found likeliest before. Between them
            `rng` draws.
        """
        tensors = self._tensors(batch)
        with torch.no_grad():
            logits = self._logits(tensors, self._probability(teacher_forcing), rng, None)
            total, count = masked_cross_entropy(logits, *tensors[3:])
        return total.item(), count

    def after_update(self) -> None:
        """Nothing to do: there are no constraints."""

    def config(self) -> dict[str, Any]:
        """All options, in types that JSON knows, for a checkpoint."""
        return dict(self._config)

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], *, rng: np.random.Generator, dtype: DTypeLike | None = None
    ) -> Seq2Seq:
        """A model with the options that `config` returned, freshly drawn; ``dtype`` overrides its own."""
        return cls(**({**config} if dtype is None else {**config, "dtype": dtype}), rng=rng)

    def __repr__(self) -> str:
        weights = sum(p.numel() for p in self.parameters())
        options = self._config
        return (
            f"Seq2Seq({options['source_size']} to {options['target_size']} symbols, {options['cell']}, "
            f"hidden_size={options['hidden_size']}, attention={options['attention']!r}, {weights:,} weights)"
        )

    def _logits(
        self, tensors: tuple[Tensor, ...], p: float, rng: np.random.Generator | None, factors: Factors | None
    ) -> Tensor:
        source, source_mask, target_in, *_ = tensors
        memory = self.encoder(source, source_mask, None if factors is None else factors[0])
        dropped = None if factors is None else factors[1]
        if p == 1:
            logits: Tensor = self.decoder(target_in, memory, factors=dropped).logits
            return logits
        return self._fed_at_times(target_in, memory, p, rng, dropped)

    def _fed_at_times(
        self,
        target_in: Tensor,
        memory: Memory,
        p: float,
        rng: np.random.Generator | None,
        factors: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """Step by step: each symbol is the truth with probability p, else the likeliest of the step before."""
        if p > 0:
            generator("rng", rng)
        true = torch.from_numpy(np.zeros(target_in.shape, bool) if rng is None else rng.random(target_in.shape) < p)
        y, state = target_in[0], self.decoder.initial_state(memory)
        logits: list[Tensor] = []
        for t in range(len(target_in)):
            if t > 0:
                y = torch.where(true[t], target_in[t], logits[-1].detach().argmax(dim=-1))
            decoded = self.decoder(y[None], memory, state, factors=factors)
            state = decoded.state
            logits.append(decoded.logits[0])
        return torch.stack(logits)

    def _factors(self, B: int, rng: np.random.Generator | None) -> Factors | None:
        """What is dropped, the same at every step: of the source's embeddings, the target's, and of the features."""
        size, H, p = self._config["embedding_size"], self._config["hidden_size"], self._config["dropout"]
        if p == 0 or rng is None:
            return None
        dtype = np.dtype(self.dtype)
        source, target, output = (torch.from_numpy(draw_dropout((1, B, n), p, rng, dtype)) for n in (size, size, H))
        return source, (target, output)

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64, that of the parameters."""
        return np.dtype(str(self.decoder.b_q.dtype).removeprefix("torch."))

    def _probability(self, teacher_forcing: float | Callable[[], float]) -> float:
        p = number("teacher_forcing", teacher_forcing() if callable(teacher_forcing) else teacher_forcing)
        if not 0 <= p <= 1:
            raise ValueError(f"teacher_forcing: expected a probability, got {p}")
        return p

    def _source(self, source: Any, source_mask: Any) -> tuple[Tensor, Tensor]:
        ids = as_tensor("source", source, self._config["source_size"])
        mask = as_mask("source_mask", source_mask, ids)
        if bool((mask[1:] & ~mask[:-1]).any()):
            raise ValueError("source_mask: expected the real symbols before the padding, got one after it")
        return ids, mask

    def _tensors(self, batch: PairBatch) -> tuple[Tensor, ...]:
        if not isinstance(batch, tuple | list) or len(batch) != len(PairBatch._fields):
            raise TypeError(f"batch: expected a PairBatch, got {type(batch).__name__}")
        source, source_mask, target_in, target_out, target_mask = batch
        y_in, y_out = (
            as_tensor(name, y, self._config["target_size"])
            for name, y in (("target_in", target_in), ("target_out", target_out))
        )
        if y_in.shape != y_out.shape:
            raise ValueError(
                f"target_out: expected the shape of target_in, {tuple(y_in.shape)}, got {tuple(y_out.shape)}"
            )
        mask = as_mask("target_mask", target_mask, y_out)
        if not bool(mask.any()):
            raise ValueError("target_mask: expected at least one valid symbol, got none")
        x, x_mask = self._source(source, source_mask)
        if x.shape[1] != y_in.shape[1]:
            raise ValueError(f"target_in: expected as many columns as source, {x.shape[1]}, got {y_in.shape[1]}")
        return x, x_mask, y_in, y_out, mask


def mean_loss(
    model: Seq2Seq,
    batches: Iterable[PairBatch],
    teacher_forcing: float = 1.0,
    rng: np.random.Generator | None = None,
) -> float:
    """Nats per valid target symbol over all batches, however they were cut; `Seq2Seq.evaluate` says what else."""
    totals, counts = zip(*(model.evaluate(batch, teacher_forcing, rng) for batch in batches), strict=True)
    return math.fsum(totals) / sum(counts)


def log_probabilities(model: Seq2Seq, batch: PairBatch) -> np.ndarray:
    """log p(y_t | source, y_1 … y_{t−1}) of each target symbol: (T_y, B) in nats, 0 at padding."""
    _, _, _, target_out, mask = model._tensors(batch)
    with torch.no_grad():
        log_p = torch.log_softmax(model(batch), dim=-1).gather(-1, target_out[..., None])[..., 0]
    found: np.ndarray = torch.where(mask, log_p, 0).numpy()
    return found
