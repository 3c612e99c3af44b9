"""How many dates fit through one vector, and what attention changes about it (chapters 9 and 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from rnnlib.figures.base import Data, Figure

if TYPE_CHECKING:
    from rnnlib.seq2seq import Seq2Seq

EXAMPLES, MOST_MODELS = 3, 6
Pairs = Sequence[tuple[str, str]]


class Bottleneck(Figure):
    """Drag the length of a list of dates, and see which translators still write it without a mistake.

    Everything is measured by `experiments/measure_bottleneck.py`: translators with about as many weights, trained on
    the same lists of one to four dates. A line is the median over the seeds, its band reaches from the worst to the
    best.

    Parameters
    ----------
    length : int
        How many dates the list has. The nearest length that was measured is shown.
    example : int
        Which of the held-out lists of that length is shown, from 0.
    measured : str or dict
        The numbers: the name of shipped ones, or what `of` makes of yours.

    Examples
    --------
    >>> Bottleneck(length=2)
    Bottleneck(example=0, length=2)
    """

    title = traitlets.Unicode("How long a list fits through one vector?").tag(sync=True)
    fallback = (
        "Translators of lists of dates, with about as many weights: some hand the whole source over as one vector, one "
        "looks back at it by attention. The figure shows how many held-out lists of one to six dates each translates "
        "without a mistake, as bands over seeds, and for a list the first wrong symbol of each translation."
    )

    length = traitlets.Int(3, min=1, max=12).tag(sync=True, control=True)
    example = traitlets.Int(0, min=0, max=EXAMPLES - 1).tag(sync=True, control=True)
    measured = Data("bottleneck")

    @classmethod
    def of(
        cls,
        models: Mapping[str, Seq2Seq | Sequence[Seq2Seq]],
        pairs: Mapping[int, Pairs],
        source_vocabulary: Iterable[str],
        target_vocabulary: Iterable[str],
        *,
        trained: Sequence[int] = (),
        **traits: Any,
    ) -> Bottleneck:
        """The figure for translators of your own, which are measured now, by greedy search.

        Parameters
        ----------
        models : dict of str to Seq2Seq or a sequence of them
            By name; several are one model with several seeds. Examples are translated by the first.
        pairs : dict of int to sequence of (source, target)
            Held-out pairs by their length.
        source_vocabulary, target_vocabulary : iterable of str
            The symbols in the order of their ids.
        trained : sequence of int, optional
            The lengths that were trained; all by default.

        Raises
        ------
        ValueError
            If there are no models or more than six, or a length has no pairs.
        """
        data = bottleneck_of(models, pairs, list(source_vocabulary), list(target_vocabulary), trained)
        return cls(**{"length": data["lengths"][0], **traits, "measured": data})


def bottleneck_of(
    models: Mapping[str, Seq2Seq | Sequence[Seq2Seq]],
    pairs: Mapping[int, Pairs],
    source: list[str],
    target: list[str],
    trained: Sequence[int],
) -> dict[str, Any]:
    """Put translators into the form of the shipped numbers; see `Bottleneck.of`."""
    from rnnlib.seq2seq import SPECIAL, UNK, translate
    from rnnlib.text import Vocabulary

    if not 1 <= len(models) <= MOST_MODELS:
        raise ValueError(f"models: expected one to {MOST_MODELS}, got {len(models)}")
    lengths = sorted(pairs)
    if not lengths or not all(len(pairs[length]) for length in lengths):
        raise ValueError(f"pairs: expected some for each length, got { ({n: len(p) for n, p in pairs.items()}) }")
    vocabularies = [Vocabulary(symbols, unknown=SPECIAL[UNK]) for symbols in (source, target)]
    described, outputs = [], []
    for name, given in models.items():
        seeds = list(given) if isinstance(given, Sequence) else [given]
        found = [[translate(model, [p[0] for p in pairs[n]], *vocabularies) for n in lengths] for model in seeds]
        exact = [
            [float(np.mean([text == p[1] for text, p in zip(texts, pairs[n], strict=True)])) for n, texts in run]
            for run in ([*zip(lengths, seed, strict=True)] for seed in found)
        ]
        config = seeds[0].config()
        options = {key: config[key] for key in ("context", "use", "attention")}
        weights = sum(p.size for p in seeds[0].params.values())
        described.append({"name": name, **options, "weights": weights, "exact": exact})
        outputs.append(found[0])
    examples = [
        [
            {"source": p[0], "target": p[1], "outputs": [texts[k][i] for texts in outputs]}
            for i, p in enumerate(pairs[n][:EXAMPLES])
        ]
        for k, n in enumerate(lengths)
    ]
    few = min(len(p) for p in pairs.values())
    return {
        "lengths": lengths,
        "trained": list(trained) or lengths,
        "held_out": few,
        "models": described,
        "examples": examples,
    }
