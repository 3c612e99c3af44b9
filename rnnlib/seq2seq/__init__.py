"""From one sequence to another: encoder, decoder and attention on PyTorch (chapters 9 and 10).

Read in this order: `batches` (pairs, special symbols, masks), `encoder`, `decoder` and `attention` (the network),
`model` (its loss, and what `rnnlib.training.fit` asks for), `forcing` (schedules), `search`, `beam` and `exact` (from
probabilities to a target), `scores` (how good it is). `by_hand` has attention in NumPy, with its backward pass.

PyTorch is the engine from here on. ``import rnnlib`` does not load it; this package does.
"""

from rnnlib.extras import needs

needs("rnnlib.seq2seq", "course", "torch")

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
from rnnlib.seq2seq.beam import Branch, beam_search, beam_tree
from rnnlib.seq2seq.decoder import Decoded, Decoder
from rnnlib.seq2seq.encoder import Encoder, Memory
from rnnlib.seq2seq.exact import brute_force, exact_search, search_errors
from rnnlib.seq2seq.forcing import exponential_decay, inverse_sigmoid_decay, linear_decay
from rnnlib.seq2seq.hypotheses import Hypothesis
from rnnlib.seq2seq.model import Seq2Seq, Step, log_probabilities, masked_cross_entropy, mean_loss
from rnnlib.seq2seq.scores import Score, bleu, chrf, exact_match
from rnnlib.seq2seq.search import attention_weights, decode, greedy, translate

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "SPECIAL",
    "UNK",
    "Attention",
    "Branch",
    "Decoded",
    "Decoder",
    "Encoder",
    "Hypothesis",
    "Memory",
    "PairBatch",
    "PairBatches",
    "Score",
    "Seq2Seq",
    "Step",
    "attention_weights",
    "beam_search",
    "beam_tree",
    "bleu",
    "brute_force",
    "chrf",
    "decode",
    "exact_match",
    "exact_search",
    "exponential_decay",
    "greedy",
    "inverse_sigmoid_decay",
    "linear_decay",
    "log_probabilities",
    "masked_cross_entropy",
    "masked_softmax",
    "mean_loss",
    "pad_sources",
    "pair_batch",
    "search_errors",
    "translate",
    "vocabulary_of",
]
