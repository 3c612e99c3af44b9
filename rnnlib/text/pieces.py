"""Words cut into pieces that occur often, so that a small vocabulary spells every word (chapter 10)."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Sequence
from typing import Any

from rnnlib.registry import register


@register
class Pieces:
    """A text cut into pieces of words, found by byte-pair encoding: sentencepiece, in a form that checkpoints hold.

    A piece that begins a word begins with ``▁``, so the pieces put together again are the text, and nothing needs to
    be known about the language.

    Parameters
    ----------
    model : str
        A trained sentencepiece model, compressed and in Base64; `Pieces.train` makes one.

    Notes
    -----
    Byte-pair encoding for translation: Sennrich, Haddow, Birch (ACL 2016); sentencepiece: Kudo, Richardson (EMNLP
    2018). Used in chapter 10.

    Examples
    --------
    >>> from rnnlib.text import Pieces
    >>> pieces = Pieces.train(["open the file", "open the folder", "close the file"] * 9, size=24)
    >>> pieces.encode("the older file")
    ['▁the', '▁', 'o', 'l', 'd', 'e', 'r', '▁f', 'ile']
    >>> pieces.decode(pieces.encode("the older file"))
    'the older file'
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._processor = _sentencepiece().SentencePieceProcessor(
            model_proto=zlib.decompress(base64.b64decode(model.encode("ascii")))
        )

    @classmethod
    def train(cls, texts: Sequence[str], size: int, *, coverage: float = 1.0) -> Pieces:
        """Find `size` pieces by joining, again and again, the two that stand side by side most often.

        Parameters
        ----------
        texts : sequence of str
        size : int
            How many pieces, among them all characters of the texts.
        coverage : float
            The share of the text that the known characters make up; below 1 leaves out the rarest characters.

        Returns
        -------
        Pieces
            The same for the same texts.
        """
        if not texts:
            raise ValueError("texts: expected at least one text, got none")
        written = io.BytesIO()
        _sentencepiece().SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=written,
            vocab_size=size,
            model_type="bpe",
            character_coverage=coverage,
            normalization_rule_name="identity",  # a reference keeps its “…”, so a translation must
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
        return cls(base64.b64encode(zlib.compress(written.getvalue(), 9)).decode("ascii"))

    def encode(self, text: str) -> list[str]:
        """The pieces of a text; a character that is not known is a piece of its own."""
        return list(self._processor.encode(text, out_type=str))

    def decode(self, pieces: Sequence[str]) -> str:
        """The text that pieces spell."""
        return "".join(pieces).replace("▁", " ").strip()

    def __len__(self) -> int:
        return int(self._processor.get_piece_size())

    def __eq__(self, other: object) -> bool:
        return self._model == other._model if isinstance(other, Pieces) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equality by content: not a dictionary key

    def __repr__(self) -> str:
        return f"Pieces({len(self)} pieces)"

    def config(self) -> dict[str, str]:
        """All that it is made of, for a checkpoint."""
        return {"model": self._model}

    def to_list(self) -> list[str]:
        """The pieces in the order of their integers, ``<unk>`` first."""
        return [self._processor.id_to_piece(i) for i in range(len(self))]


def _sentencepiece() -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        raise ImportError(
            "pieces of words are found by the package sentencepiece, which is not installed; "
            "run: python -m pip install sentencepiece"
        ) from error
    return sentencepiece
