"""Training: losses, optimisers, clipping, regularisers, constraints, the loop, checkpoints and generation.

Read in this order: `losses` (what is wrong), `dense` and `model` (the network and its gradients),
`clipping` and `optimisers` (from a gradient to a step), `regularisers` and `constraints` (keeping weights
small), `history` and `loop` (many steps), `checkpoints` and `archive` (stopping and going on), `generation`
(using the result), `metrics` (what its units know). Chapter 3 uses all of it, chapter 8 turns every knob.

Deliberately absent: automatic differentiation, GPUs and mixed precision. From chapter 9 on, PyTorch has them.
"""

from rnnlib.bptt import dropout
from rnnlib.training.archive import CheckpointError, read_checkpoint, write_checkpoint
from rnnlib.training.checkpoints import load_checkpoint, load_model, load_pretrained, save_checkpoint
from rnnlib.training.clipping import clip_by_norm, clip_by_value, global_norm
from rnnlib.training.constraints import (
    MaxNorm,
    MinMaxNorm,
    NonNeg,
    UnitNorm,
    max_norm,
    min_max_norm,
    non_neg,
    unit_norm,
)
from rnnlib.training.dense import Dense
from rnnlib.training.generation import (
    bits_per_character,
    generate,
    generate_text,
    log_probabilities,
    next_probabilities,
    perplexity,
)
from rnnlib.training.history import History, Run
from rnnlib.training.loop import Trainable, fit
from rnnlib.training.losses import (
    bits_to_nats,
    cross_entropy,
    nats_to_bits,
    nats_to_perplexity,
    softmax,
    squared_error,
)
from rnnlib.training.metrics import auc
from rnnlib.training.model import Model, Step
from rnnlib.training.optimisers import SGD, Adam, Optimiser
from rnnlib.training.regularisers import L1L2, l1, l1_l2, l2

__all__ = [
    "L1L2",
    "SGD",
    "Adam",
    "CheckpointError",
    "Dense",
    "History",
    "MaxNorm",
    "MinMaxNorm",
    "Model",
    "NonNeg",
    "Optimiser",
    "Run",
    "Step",
    "Trainable",
    "UnitNorm",
    "auc",
    "bits_per_character",
    "bits_to_nats",
    "clip_by_norm",
    "clip_by_value",
    "cross_entropy",
    "dropout",
    "fit",
    "generate",
    "generate_text",
    "global_norm",
    "l1",
    "l1_l2",
    "l2",
    "load_checkpoint",
    "load_model",
    "load_pretrained",
    "log_probabilities",
    "max_norm",
    "min_max_norm",
    "nats_to_bits",
    "nats_to_perplexity",
    "next_probabilities",
    "non_neg",
    "perplexity",
    "read_checkpoint",
    "save_checkpoint",
    "softmax",
    "squared_error",
    "unit_norm",
    "write_checkpoint",
]
