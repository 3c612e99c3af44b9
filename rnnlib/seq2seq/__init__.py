"""From one sequence to another: encoder, decoder and attention on PyTorch (chapters 9 and 10).

Read in this order: `batches` (pairs, special symbols, masks), `encoder`, `decoder` and `attention` (the network),
`model` (its loss, and what `rnnlib.training.fit` asks for) and `forcing` (schedules).

PyTorch is the engine from here on. ``import rnnlib`` does not load it; this package does.
"""

from rnnlib.seq2seq.attention import Attention, masked_softmax
from rnnlib.seq2seq.batches import (
    BOS,
    EOS,
    PAD,
    SPECIAL,
    UNK,
    PairBatch,
    PairBatches,
    pad_sources,
    pair_batch,
    vocabulary_of,
)
from rnnlib.seq2seq.decoder import Decoded, Decoder
from rnnlib.seq2seq.encoder import Encoder, Memory
from rnnlib.seq2seq.forcing import exponential_decay, inverse_sigmoid_decay, linear_decay
from rnnlib.seq2seq.model import Seq2Seq, Step, log_probabilities, masked_cross_entropy, mean_loss

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "SPECIAL",
    "UNK",
    "Attention",
    "Decoded",
    "Decoder",
    "Encoder",
    "Memory",
    "PairBatch",
    "PairBatches",
    "Seq2Seq",
    "Step",
    "exponential_decay",
    "inverse_sigmoid_decay",
    "linear_decay",
    "log_probabilities",
    "masked_cross_entropy",
    "masked_softmax",
    "mean_loss",
    "pad_sources",
    "pair_batch",
    "vocabulary_of",
]
