"""A trained `rnnlib.seq2seq.Seq2Seq` as the page needs it, and states of its training set to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlib.figures.base import pack
from rnnlib.figures.gate_microscope import packed

if TYPE_CHECKING:
    from rnnlib.seq2seq import Seq2Seq

# PyTorch's blocks r z n and i f g o in the order of rnnlib.cells
BLOCKS = {"gru": ("GRU", (0, 1, 2)), "lstm": ("LSTM", (0, 1, 3, 2))}
LOOK_BACK = 128  # states of the training set that a page carries


def translator_of(
    model: Seq2Seq,
    source_vocabulary: Iterable[str],
    target_vocabulary: Iterable[str],
    pairs: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Pack a translator for the page: its options, its symbols, its weights, and states of the pairs.

    The page cuts a text into the longest symbols that it knows; for characters that is exact.

    Parameters
    ----------
    model : Seq2Seq
    source_vocabulary, target_vocabulary : iterable of str
        The symbols in the order of their ids, the four special ones first.
    pairs : sequence of (source, target), optional
        Pairs of the training set; one state M_t is kept of each of the first 128. Only for a model with attention.

    Raises
    ------
    TypeError
        If the model is no `Seq2Seq`.
    ValueError
        If a vocabulary does not have one symbol for each of the model's embeddings.
    """
    from rnnlib.seq2seq import Seq2Seq

    if not isinstance(model, Seq2Seq):
        raise TypeError(f"model: expected a Seq2Seq, got {type(model).__name__}")
    config, params = model.config(), model.params
    source, target = list(source_vocabulary), list(target_vocabulary)
    for name, symbols, side in (("source", source, "encoder"), ("target", target, "decoder")):
        size = len(params[f"{side}.embedding"])
        if len(symbols) != size:
            raise ValueError(f"{name}_vocabulary: expected the model's {size} symbols, got {len(symbols)}")
    kind, blocks = BLOCKS[config["cell"]]
    network = {
        "kind": kind,
        "options": {"reset_after": True} if kind == "GRU" else {},
        "source": source,
        "target": target,
        "encoder": part(params, "encoder.", blocks),
        "decoder": part(params, "decoder.", blocks),
        **{name: config[name] for name in ("hidden_size", "context", "use", "attention")},
    }
    if config["bidirectional"]:
        network["backwards"] = part(params, "encoder.backwards.", blocks)
    if config["attention"] and pairs:
        network["states"] = states_of(model, source, target, pairs[:LOOK_BACK])
    return network


def part(params: Mapping[str, np.ndarray], prefix: str, blocks: tuple[int, ...]) -> dict[str, Any]:
    """The parameters below `prefix`, packed, with the recurrent ones in the layout of `rnnlib.cells`.

    The two biases of PyTorch become one; that of a GRU's candidate stays apart, since the reset gate lies between them.
    """
    found = {name.removeprefix(prefix): p for name, p in params.items() if name.startswith(prefix)}
    found = {name.removeprefix("attention."): p for name, p in found.items() if not name.startswith("backwards.")}

    def ordered(p: np.ndarray) -> np.ndarray:
        parts = np.split(p, len(blocks), axis=-1)
        return np.concatenate([parts[k] for k in blocks], axis=-1)

    b_x, b_h = (ordered(found.pop(name)) for name in ("b_x", "b_h"))
    H = len(b_h) // len(blocks)
    if len(blocks) == 3:  # a GRU
        found["b_n"] = b_h[2 * H :]
        b_h = np.concatenate([b_h[: 2 * H], np.zeros(H, b_h.dtype)])
    found["b"] = b_x + b_h
    for name in ("W_x", "W_h"):
        found[name] = ordered(found[name])
    return {name: packed(p) for name, p in found.items()}


def states_of(model: Seq2Seq, source: list[str], target: list[str], pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """One state M_t of each pair, at a step that is drawn, with the truth fed before it.

    Returns
    -------
    dict
        ``m``: the states (N, H), one byte a number, since they lie between −1 and 1; ``entries``: for each what was
        written before, the symbol that was written then, what came after it, and what was looked at most (`around`).
    """
    import torch

    from rnnlib.seq2seq import EOS, SPECIAL, UNK, pair_batch
    from rnnlib.text import Vocabulary

    batch = pair_batch(pairs, *(Vocabulary(symbols, unknown=SPECIAL[UNK]) for symbols in (source, target)))
    with torch.no_grad():
        memory = model.read(batch.source, batch.source_mask)
        decoded = model.decoder(torch.from_numpy(np.asarray(batch.target_in)), memory)
        m = torch.tanh(torch.cat([decoded.context, decoded.h], dim=-1) @ model.decoder.W_m).numpy()  # (T_y, B, H)
    rng = np.random.default_rng(0)
    entries, kept = [], []
    for b, pair in enumerate(pairs):
        count = int(np.flatnonzero(np.asarray(batch.target_out)[:, b] == EOS)[0])
        t = int(rng.integers(count + 1))
        written = [*pair[1], "∎"]
        before, after = "".join(written[max(0, t - 14) : t]), "".join(written[t + 1 : t + 4])
        entries.append([before, written[t], after, around(pair[0], int(decoded.weights[t, b].argmax()))])
        kept.append(m[t, b])
    return {"m": pack(np.rint(127 * np.array(kept)), "int8"), "entries": entries}


def around(signs: Sequence[str], at: int, reach: int = 3) -> str:
    """The symbol `at` in brackets, between its neighbours.

    Examples
    --------
    >>> around("2026年8月3日", 5, 2), around("8月3日", 0, 2)
    ('…6年【8】月3…', '【8】月3…')
    """
    left, right = signs[max(0, at - reach) : at], signs[at + 1 : at + 1 + reach]
    start, end = "…" if at > reach else "", "…" if at + 1 + reach < len(signs) else ""
    return f"{start}{''.join(left)}【{signs[at]}】{''.join(right)}{end}"
