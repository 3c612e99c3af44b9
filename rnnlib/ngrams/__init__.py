"""Language models that count: maximum likelihood, add-k, interpolated Kneser-Ney.

    V symbols · N symbols of text · n the order: a symbol is predicted from the n-1 symbols before it
    u a context (those n-1 symbols) · w the symbol after it · c(uw) how often uw occurs · c(u·) = Σ_w c(uw)

Every model has two methods: `distribution(context)` gives P(·|u), and `probabilities(ids)` gives P(w|u) for
every symbol of a text. `bits_per_character`, `perplexity`, `sample` and `tune` take any such model. Chapter 2
derives all of it.

    counting     how often each n-gram occurs, and how much of another text is new
    smoothing    from counts to probabilities: AddK, KneserNey
    evaluation   bits per character, perplexity, the best of several models, the baseline of chapter 3
    sampling     let a model write

References
----------
C. E. Shannon, "Prediction and entropy of printed English", *Bell System Technical Journal* 30, 1951.
R. Kneser and H. Ney, "Improved backing-off for m-gram language modeling", *ICASSP*, 1995.
S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling", *Computer
Speech & Language* 13, 1999.

Deliberately absent: pruning, back-off without interpolation, and marks for the beginning and end of a
sentence (a text is one sequence here, and its first symbols are predicted from the little that stands
before them).
"""

from rnnlib.ngrams.counting import Level, NGramCounts, Unseen, unseen
from rnnlib.ngrams.evaluation import Baseline, Tuning, baseline, bits_per_character, perplexity, tune
from rnnlib.ngrams.language_model import LanguageModel
from rnnlib.ngrams.sampling import sample
from rnnlib.ngrams.smoothing import AddK, Discount, KneserNey

__all__ = [
    "AddK",
    "Baseline",
    "Discount",
    "KneserNey",
    "LanguageModel",
    "Level",
    "NGramCounts",
    "Tuning",
    "Unseen",
    "baseline",
    "bits_per_character",
    "perplexity",
    "sample",
    "tune",
    "unseen",
]
