"""Exercises that grade themselves: `answer` in a notebook, the command `rnnlib` outside of it.

In a check cell:

    from rnnlib.grading import answer
    answer("rnn.1", step(x, h))

What a task is made of stands in `exercise`, how a value travels in `answers`; the page "For teachers" of the book
shows both at work. Importing this package loads nothing but NumPy: it runs in the student's kernel.
"""

from .inside import answer, visible

__all__ = ["answer", "visible"]
