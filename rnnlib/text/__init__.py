"""From text to arrays: a vocabulary, batches that keep or drop the state, padding, one-hot vectors.

    T steps · B sequences side by side · V symbols in the vocabulary · N symbols in the text

Arrays are time-first, (T, B), as everywhere in rnnlib. A network reads `x` and is asked for `y`, which is
the same text one symbol later. Chapter 3 explains the two ways to cut a text into batches; chapter 8
explains padding.

    vocabulary   symbols and their integers
    batches      Batch, the two ways to cut a text, padding, one-hot vectors
    pieces       Pieces: words cut into pieces, by sentencepiece

Deliberately absent: anything that guesses an encoding.
"""

from rnnlib.text.batches import Batch, SequentialBatches, ShuffledBatches, one_hot, pad
from rnnlib.text.pieces import Pieces
from rnnlib.text.vocabulary import Vocabulary, as_ids

__all__ = ["Batch", "Pieces", "SequentialBatches", "ShuffledBatches", "Vocabulary", "as_ids", "one_hot", "pad"]
