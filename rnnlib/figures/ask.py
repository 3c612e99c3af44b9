"""A question in the page that answers: predict first, then see (all chapters)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import traitlets

from rnnlib.figures.base import Figure


class Ask(Figure):
    """Ask the reader to predict; the page answers, with a hint for each wrong answer that was foreseen.

    Make one with `Ask.number`, `Ask.choice` or `Ask.order`. In texts, ``code`` in backticks is set as code, ``_{…}``
    and ``^{…}`` are set low and high.

    Parameters
    ----------
    title : str
        The question.
    kind : {"number", "choice", "order"}
        What an answer is.
    options : list of str
        What can be chosen, or put in order; shown in this order.
    answer : str
        The right answer; an order joins the options with ``" | "``.
    tolerance : float
        By how much a number may be off and still be right.
    unit : str
        What the number counts.
    hints : dict
        For a wrong answer, what to think of. The key ``"below"`` or ``"above"`` is for numbers too small or too large,
        and ``""`` for all other wrong answers.
    then : str
        What is said when the answer is right, and when the reader asks for it: why it is so, or what to look at next.
    given : str
        The reader's answer.
    """

    title = traitlets.Unicode("What do you expect?").tag(sync=True)
    fallback = (
        "This box asks for a prediction before the measurement, and answers with a hint or an explanation. It needs "
        "scripts. Without them, decide on an answer of your own before you read on: the text below gives the result."
    )

    kind = traitlets.Enum(("number", "choice", "order"), "number").tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    answer = traitlets.Unicode("0").tag(sync=True)
    tolerance = traitlets.Float(0.0, min=0).tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    hints = traitlets.Dict().tag(sync=True)
    then = traitlets.Unicode().tag(sync=True)
    given = traitlets.Unicode().tag(sync=True, control=True)

    @classmethod
    def number(
        cls,
        question: str,
        answer: float,
        *,
        tolerance: float = 0.0,
        unit: str = "",
        hints: Mapping[float | str, str] | None = None,
        then: str = "",
    ) -> Ask:
        """Ask for a number.

        Parameters
        ----------
        question, then : str
            See the class.
        answer, tolerance : float
            Right is what is at most `tolerance` away from `answer`.
        unit : str
            What the number counts.
        hints : dict, optional
            By wrong number, ``"below"``, ``"above"`` or ``""``.

        Examples
        --------
        >>> Ask.number("How many paths lead from step 1 to the loss?", 4, hints={3: "Each step branches anew."})
        Ask(given='')
        """
        texts = {key if isinstance(key, str) else f"{key:g}": text for key, text in (hints or {}).items()}
        return cls(
            title=question,
            kind="number",
            answer=f"{answer:g}",
            tolerance=tolerance,
            unit=unit,
            hints=texts,
            then=then,
        )

    @classmethod
    def choice(
        cls,
        question: str,
        options: Sequence[str],
        answer: str,
        *,
        hints: Mapping[str, str] | None = None,
        then: str = "",
    ) -> Ask:
        """Ask for one of several answers.

        Parameters
        ----------
        question, then : str
            See the class.
        options : sequence of str
            The answers to choose from.
        answer : str
            The right one of them.
        hints : dict, optional
            By wrong option, or ``""`` for all others.

        Raises
        ------
        ValueError
            If the answer, or a hint's key, is not one of the options.

        Examples
        --------
        >>> Ask.choice("Which is larger?", ["2", "3"], "2")
        Ask(given='')
        """
        for key in (answer, *(key for key in hints or {} if key)):
            if key not in options:
                raise ValueError(f"answer and hints: expected one of {list(options)}, got {key!r}")
        return cls(
            title=question, kind="choice", options=list(options), answer=answer, hints=dict(hints or {}), then=then
        )

    @classmethod
    def order(
        cls,
        question: str,
        options: Sequence[str],
        answer: Sequence[str],
        *,
        hints: Mapping[str, str] | None = None,
        then: str = "",
    ) -> Ask:
        """Ask for an order.

        Parameters
        ----------
        question, then : str
            See the class.
        options : sequence of str
            What is to be put in order, as it stands at first.
        answer : sequence of str
            The same in the right order.
        hints : dict, optional
            By wrong order, joined with ``" | "``; or by the option that stands first in it; or ``""`` for all others.

        Raises
        ------
        ValueError
            If answer and options do not hold the same, or the options stand in the right order already.

        Examples
        --------
        >>> Ask.order("From small to large", ["b", "c", "a"], ["a", "b", "c"])
        Ask(given='')
        """
        if sorted(answer) != sorted(options) or list(answer) == list(options):
            raise ValueError(f"answer: expected {list(options)} in another order, got {list(answer)}")
        return cls(
            title=question,
            kind="order",
            options=list(options),
            answer=" | ".join(answer),
            hints=dict(hints or {}),
            then=then,
        )
