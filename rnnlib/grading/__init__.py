"""Exercises that grade themselves: `answer` in a notebook, the command `rnnlib` outside of it.

In a check cell:

    from rnnlib.grading import answer
    answer("rnn.1", step(x, h))

What a task is made of stands in `exercise`, how a value travels in `answers`; the page "For teachers" of the book
shows both at work. Importing this package loads nothing but NumPy: it runs in the student's kernel.

    an exercise         tasks, exercise     what it is made of: cells with a role, tasks with cases, right answers
                        record, release     made from a solution notebook; data: the files that lie beside it
    an answer           answers             how a value travels and is compared; hints: the usual mistakes
    the student's side  inside              `answer` and `visible`; scene, guard, notebook, names: what they look after
    a submission        reading, taking     from any file to cells, from cells to the answer to each task
                        rebuild, text       the notebook that is graded; text of strangers, made fit for a page
    judging             plugin              what a difference that nbval finds means; kernel, messages: what it talks to
                        session, run        one submission in a process of its own, and from outside
                        batch, store        a class side by side, and its results on disk
    the sandbox         sandbox, launcher   bubblewrap, and the first program inside it
                        stage, room         where cells run: a copy of one Python for each task; the grader's side
                        limits, watch       what a submission may use, and what its processes do use
    for people          cli                 the command; desk: scores, pages, files for a learning platform
"""

from .inside import answer, visible

__all__ = ["answer", "visible"]
