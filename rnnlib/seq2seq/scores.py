"""How good are translations? Exact match, and BLEU and chrF by sacrebleu, with its signature and an interval.

A score of a test set is a sample: with other sentences it would be another number. The interval comes from drawing as
many sentences as there are, with replacement, again and again (Koehn 2004).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from rnnlib.cells.arguments import positive

__all__ = ["Score", "bleu", "chrf", "exact_match"]

References = Sequence[str] | Sequence[Sequence[str]]


class Score(NamedTuple):
    """A score from 0 to 100 and how far it may be off."""

    value: float
    low: float
    """Lower end of the 95 % interval, that of the bootstrap, around its mean; NaN without one."""
    high: float
    signature: str
    """sacrebleu's record of how it was computed; scores are comparable if it agrees."""


def exact_match(hypotheses: Sequence[str], references: References) -> float:
    """The share of hypotheses that equal their reference, or one of them.

    Parameters
    ----------
    hypotheses : sequence of N strings
    references : sequence of N strings, or of N lists of strings

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> exact_match(["Aug 3", "May 1"], ["Aug 3", "May 2"])
    0.5
    """
    allowed = _references(hypotheses, references)
    right = sum(hypothesis in some for hypothesis, some in zip(hypotheses, allowed, strict=True))
    return right / len(hypotheses)


def bleu(hypotheses: Sequence[str], references: References, *, samples: int = 1000) -> Score:
    """BLEU of a corpus: how many n-grams of up to four words the references have too, times a penalty for brevity.

    Parameters
    ----------
    hypotheses : sequence of N strings
        As they would be read; sacrebleu splits them into words itself.
    references : sequence of N strings, or of N lists of strings
        A list holds several translations of one sentence, any of which may be matched.
    samples : int
        Of the bootstrap; 1 for no interval. One sentence alone has none.

    Raises
    ------
    TypeError
        If either is a single string, of which each character would count as a sentence.
    ValueError
        If they differ in number, or there are none.

    References
    ----------
    Papineni et al. (2002), "BLEU: a method for automatic evaluation of machine translation"; Post (2018), "A call for
    clarity in reporting BLEU scores"; Koehn (2004), "Statistical significance tests for machine translation
    evaluation". Chapter 10.

    Examples
    --------
    >>> score = bleu(["Create a new notebook", "Close all tabs"], ["Create a new notebook", "Close all tabs"])
    >>> round(score.value, 6), score.signature
    (100.0, 'nrefs:1|bs:1000|seed:12345|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0')
    """
    from sacrebleu.metrics import BLEU

    return _corpus_score(BLEU(), hypotheses, references, samples)


def chrf(hypotheses: Sequence[str], references: References, *, samples: int = 1000) -> Score:
    """chrF of a corpus: an F-score of character n-grams up to six, which gives credit for parts of words.

    Parameters as in `bleu`.

    References
    ----------
    Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation". Chapter 10.

    Examples
    --------
    >>> score = chrf(["Close all the tabs"], ["Close all tabs"])
    >>> 50 < score.value < 100
    True
    """
    from sacrebleu.metrics import CHRF

    return _corpus_score(CHRF(), hypotheses, references, samples)


def _corpus_score(metric: Any, hypotheses: Sequence[str], references: References, samples: int) -> Score:
    allowed = _references(hypotheses, references)
    most = max(map(len, allowed))
    streams = [[some[k] if k < len(some) else None for some in allowed] for k in range(most)]  # k-th of each sentence
    samples = min(positive("samples", samples), 1 if len(hypotheses) == 1 else samples)
    result = metric.corpus_score(list(hypotheses), streams, n_bootstrap=samples)
    signature = str(metric.get_signature())
    if samples == 1:
        return Score(result.score, math.nan, math.nan, signature)
    told = json.loads(result.format(width=6, signature=signature, is_json=True))
    mean, half = (told.get(key, 0.0) for key in ("confidence_mean", "confidence_var"))  # left out if all samples get 0
    return Score(result.score, mean - half, mean + half, signature)


def _references(hypotheses: Sequence[str], references: References) -> list[list[str]]:
    """The references of each sentence as a list."""
    for name, texts in (("hypotheses", hypotheses), ("references", references)):
        if isinstance(texts, str):
            raise TypeError(f"{name}: expected a list with one entry a sentence, got one string {texts[:20]!r}")
    for k, hypothesis in enumerate(hypotheses):
        if not isinstance(hypothesis, str):
            raise TypeError(f"hypotheses[{k}]: expected a string, got {type(hypothesis).__name__}")
    if not len(hypotheses):
        raise ValueError("hypotheses: expected at least one, got none")
    if len(references) != len(hypotheses):
        raise ValueError(f"references: expected one entry a hypothesis, {len(hypotheses)}, got {len(references)}")
    allowed = [[some] if isinstance(some, str) else list(some) for some in references]
    for k, some in enumerate(allowed):
        if not some or not all(isinstance(reference, str) for reference in some):
            raise TypeError(f"references[{k}]: expected a string or a list of strings, got {references[k]!r}")
    return allowed
