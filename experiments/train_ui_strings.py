"""Train the translator of interface strings that chapter 10 shows: rnnlib/pretrained/ui_strings.npz.

    python experiments/train_ui_strings.py

It learns from JupyterLab's strings and from those of further packages (catalogues.py fetches them), cut into pieces of
words. JupyterLab's training strings come several times an epoch, because its style is what is asked for. Held-out
strings and everything like them are never seen; what is chosen is chosen by the validation strings. One byte a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalogues import all_strings_split
from translators import save, train

from rnnlib.corpora import Pair, Similarity, ui_strings_split
from rnnlib.seq2seq import SPECIAL, UNK, Seq2Seq, bleu, chrf, exact_match, translate
from rnnlib.text import Pieces, Vocabulary

MODEL = {
    "hidden_size": 224, "embedding_size": 96, "cell": "lstm", "bidirectional": True, "attention": "dot", "dropout": 0.4,
}  # fmt: skip
PIECES = {"source": 1800, "target": 1400}
COVERAGE = 0.9995  # the rarest characters stay unknown
OFTEN = 4  # how many times an epoch JupyterLab's strings come
OPTIONS = {"steps": 9000, "batch_size": 64, "learning_rate": 0.003, "warm_up": 300, "seed": 0}
SEARCHES = [{"width": 1}, *({"width": 5, "length_penalty": penalty} for penalty in (0.0, 0.3, 0.6, 1.0))]
LONGEST = 40  # pieces


class Translator:
    """Pieces and vocabularies of both languages, and how a model translates with them."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        sides = zip(PIECES.values(), zip(*pairs, strict=True), strict=True)
        self.pieces = [Pieces.train(texts, size, coverage=COVERAGE) for size, texts in sides]
        self.vocabularies = [
            Vocabulary(
                [*SPECIAL, *(piece for piece in pieces.to_list() if piece != SPECIAL[UNK])], unknown=SPECIAL[UNK]
            )
            for pieces in self.pieces
        ]

    def cut(self, pairs: Sequence[Pair]) -> list[tuple[list[str], list[str]]]:
        """Pairs as pieces."""
        source, target = self.pieces
        return [(source.encode(chinese), target.encode(english)) for chinese, english in pairs]

    def translations(self, model: Seq2Seq, pairs: Sequence[Pair], **search: float) -> list[str]:
        """English of the Chinese sides."""
        found = translate(
            model, [source for source, _ in self.cut(pairs)], *self.vocabularies, max_length=LONGEST, **search
        )
        return [self.pieces[1].decode(text) for text in found]


def scores(found: Sequence[str], pairs: Sequence[Pair]) -> dict[str, Any]:
    """BLEU and chrF, each with its interval, and the share that is exactly right."""
    wanted = [pair.english for pair in pairs]
    both = {"bleu": bleu(found, wanted), "chrf": chrf(found, wanted)}
    rounded = {name: [round(x, 2) for x in (score.value, score.low, score.high)] for name, score in both.items()}
    return {**rounded, "exact": round(exact_match(found, wanted), 4)}


def nearest(train: Sequence[Pair], pairs: Sequence[Pair]) -> dict[str, Any]:
    """What the most similar training strings' translations reach."""
    similarity = Similarity([pair.chinese for pair in train])
    return scores([train[similarity.nearest(pair.chinese)].english for pair in pairs], pairs)


def main() -> None:
    own, split = ui_strings_split().train, all_strings_split()
    translator = Translator(split.train)
    wanted = [pair.english for pair in split.validation]
    model, seconds = train(
        translator.cut([*split.train, *own * (OFTEN - 1)]), translator.vocabularies, model=MODEL, **OPTIONS,
        validate=lambda model: bleu(translator.translations(model, split.validation), wanted, samples=1).value,
    )  # fmt: skip
    notes = {
        "source_pieces": translator.pieces[0], "target_pieces": translator.pieces[1],
        "pairs": len(split.train), "options": OPTIONS, "pieces": PIECES, "often": OFTEN, "seconds": round(seconds),
        "nearest": {"own": nearest(own, split.test), "all": nearest(split.train, split.test)},
    }  # fmt: skip

    def measure(stored: Seq2Seq) -> dict[str, Any]:
        """Choose a search by the validation strings, measure it on the test strings, and greedy search beside it."""
        tried = [
            scores(translator.translations(stored, split.validation, **search), split.validation) for search in SEARCHES
        ]
        best = max(range(len(SEARCHES)), key=lambda i: tried[i]["bleu"][0])
        test = [scores(translator.translations(stored, split.test, **SEARCHES[i]), split.test) for i in (best, 0)]
        search = {**SEARCHES[best], "max_length": LONGEST}
        return {"search": search, "validation": tried[best], "test": test[0], "test_greedy": test[1]}

    save("ui_strings", model, translator.vocabularies, notes, measure)


if __name__ == "__main__":
    main()
