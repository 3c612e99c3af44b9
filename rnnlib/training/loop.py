"""The training loop: batches in, a trained model out, and a record of what happened on the way.

One step is: gradients → clip → check that they are finite → update → constrain → record. Everything that a
later step depends on lives in three objects, the model, the optimiser and a :class:`rnnlib.training.Run`; a
checkpoint that holds them resumes bit for bit.
"""

from __future__ import annotations

import itertools
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from rnnlib.training.checkpoints import save_checkpoint
from rnnlib.training.clipping import clip_by_norm, clip_by_value, global_norm
from rnnlib.training.model import Model, Step
from rnnlib.training.optimisers import SGD, Adam
from rnnlib.training.history import Run

__all__ = ["fit"]

Batches = Iterable[Any] | Callable[[np.random.Generator], Iterable[Any]]


def fit(
    model: Model,
    batches: Batches,
    optimiser: SGD | Adam,
    *,
    epochs: int | None = None,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    stateful: bool | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    validate: Callable[[], float] | None = None,
    validate_every: int | None = None,
    callback: Callable[[Run], bool | None] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1000,
    run: Run | None = None,
    progress: bool = True,
) -> Run:
    """Train ``model`` until a budget is used up.

    Parameters
    ----------
    model : Model
        Its parameters are changed in place.
    batches : iterable, or function from a Generator to an iterable
        One pass over it is one epoch. It yields ``(x, y)`` or ``(x, y, mask)``. A function is called at the
        start of each epoch with a generator of that epoch's own: shuffle with it, and a resumed run sees
        the same order. For instance ``lambda rng: ShuffledBatches(ids, 32, 64, rng=rng)``.
    optimiser : SGD or Adam
    epochs, max_steps, max_seconds : optional
        Budgets, counted over the whole ``run``, resumed parts included. The first one reached ends the
        training; at least one is needed.
    stateful : bool
        Carry the state from each batch into the next, and start every epoch with zeros. The k-th sequence
        of a batch must then continue the k-th sequence of the batch before. By default what
        ``batches.carries_state`` says, else False. The gradient stops at the border between two batches:
        truncated back-propagation (chapter 4).
    clip_norm, clip_value : float, optional
        Clip the gradients by their global norm, or entry by entry (chapter 5).
    validate : function, optional
        Called without arguments; its value goes into the history. For instance
        ``lambda: bits_per_character(model, ids)``.
    validate_every : int, optional
        In steps; by default at the end of every epoch.
    callback : function, optional
        Called with the run after every step. It may set ``optimiser.learning_rate``, draw or print; if it
        returns True, the training ends.
    checkpoint : path, optional
        Written every ``checkpoint_every`` steps and at the end.
    run : Run, optional
        What was reached so far, to be continued; by default a new one without randomness. Give ``Run(rng)``
        where ``batches`` is a function or the model has dropout.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Run
        ``run``, changed in place; ``run.history`` holds losses, gradient norms and validation values.

    Raises
    ------
    FloatingPointError
        If the loss or a gradient is not finite. The parameters are those before the step.
    ValueError, TypeError
        If the options do not fit together.
    KeyboardInterrupt
        Never in the middle of an update: model, optimiser and run agree, and ``fit`` with the same ``run``
        goes on.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> rng = np.random.default_rng(0)
    >>> model = Model(RNN(3, 8, rng=rng), output_size=3, rng=rng)
    >>> x = np.array([[0], [1], [2], [0], [1], [2]])
    >>> run = fit(model, [(x, (x + 1) % 3)], Adam(0.05), max_steps=50, progress=False)
    >>> run.step, run.history.loss[-1] < 0.1 * run.history.loss[0]
    (50, True)
    """
    run = Run() if run is None else run
    _check_options(model, batches, (epochs, max_steps, max_seconds), (clip_norm, clip_value), run)
    if stateful is None:
        stateful = bool(getattr(batches, "carries_state", False))
    spent = _budget(run, epochs, max_steps, max_seconds)
    with _bar(batches, epochs, max_steps, run, progress) as bar:
        while not spent():
            for batch in _rest_of_epoch(batches, run):
                _train_step(model, batch, optimiser, run, stateful, clip_norm, clip_value)
                bar.update()
                bar.set_postfix(loss=run.history.loss[-1], refresh=False)
                if validate and validate_every and run.step % validate_every == 0:
                    _record_validation(run, validate)
                stop = callback is not None and callback(run)
                if checkpoint and run.step % checkpoint_every == 0:
                    save_checkpoint(checkpoint, model, optimiser, run)
                if stop or spent():
                    break
            else:
                stop = False
                _end_epoch(run)
                if validate and not validate_every:
                    _record_validation(run, validate)
            if stop:
                break
    if checkpoint:
        save_checkpoint(checkpoint, model, optimiser, run)
    return run


def _train_step(
    model: Model,
    batch: tuple[Any, ...],
    optimiser: SGD | Adam,
    run: Run,
    stateful: bool,
    clip_norm: float | None,
    clip_value: float | None,
) -> None:
    x, y, *mask = batch
    state = run.state if stateful else None
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # the check below reports what overflows
            result = model.loss_and_gradients(x, y, state, *mask, rng=run.rng)
            norm = _clip(result.gradients, clip_norm, clip_value)
        if not math.isfinite(norm):
            raise FloatingPointError(f"the norm of the gradients is {norm}")
    except FloatingPointError as error:
        raise FloatingPointError(
            f"{error} at step {run.step + 1} (epoch {run.epoch + 1}, batch {run.batch + 1}); the parameters are those "
            f"before it. Lower the learning rate (now {optimiser.learning_rate:g})"
            + (" or clip the gradients: fit(..., clip_norm=1.0)." if clip_norm is None else " or clip_norm.")
        ) from None
    with _uninterrupted():
        optimiser.update(model.params, result.gradients)
        model.apply_constraints()
        _record(run, result, norm, stateful)


def _clip(gradients: dict[str, np.ndarray], clip_norm: float | None, clip_value: float | None) -> float:
    """Clip in place; return the norm before."""
    if clip_norm is not None:
        return clip_by_norm(gradients, clip_norm)
    if clip_value is not None:
        return clip_by_value(gradients, clip_value)
    return global_norm(gradients)


def _record(run: Run, result: Step, norm: float, stateful: bool) -> None:
    run.history.loss.append(result.loss)
    run.history.gradient_norm.append(norm)
    run.state = result.state if stateful else None
    run.step += 1
    run.batch += 1


def _record_validation(run: Run, validate: Callable[[], float]) -> None:
    value = float(validate())
    run.history.validation.append(value)
    run.history.validation_step.append(run.step)


def _rest_of_epoch(batches: Batches, run: Run) -> Iterator[Any]:
    """The batches of the epoch at hand that have not been taken yet."""
    if not callable(batches):
        return itertools.islice(iter(batches), run.batch, None)
    if run.epoch_seed is None:
        assert run.rng is not None  # _check_options saw to it
        run.epoch_seed = int(run.rng.integers(2**63))
    return itertools.islice(iter(batches(np.random.default_rng(run.epoch_seed))), run.batch, None)


def _end_epoch(run: Run) -> None:
    if run.batch == 0:
        raise ValueError("batches: an epoch must have at least one batch, got none")
    with _uninterrupted():
        run.history.epoch_loss.append(float(np.mean(run.history.loss[-run.batch :])))
        run.epoch += 1
        run.batch, run.epoch_seed, run.state = 0, None, None


def _budget(run: Run, epochs: int | None, max_steps: int | None, max_seconds: float | None) -> Callable[[], bool]:
    """A function that keeps ``run.seconds`` and says whether a budget is used up."""
    start = time.perf_counter() - run.seconds

    def spent() -> bool:
        run.seconds = time.perf_counter() - start
        return (
            (epochs is not None and run.epoch >= epochs)
            or (max_steps is not None and run.step >= max_steps)
            or (max_seconds is not None and run.seconds >= max_seconds)
        )

    return spent


def _bar(batches: Batches, epochs: int | None, max_steps: int | None, run: Run, progress: bool) -> tqdm[Any]:
    total = max_steps
    if epochs is not None and isinstance(batches, Sized):
        total = min(epochs * len(batches), math.inf if max_steps is None else max_steps)
    return tqdm(total=total, initial=run.step, disable=not progress, unit="step", mininterval=0.2)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C, which Jupyter's stop button sends too, until the block is through."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers it to the main thread only
        return
    pending: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *args: pending.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pending and callable(before):
        before(*pending[0])


def _check_options(model: Model, batches: Batches, budgets: tuple[Any, ...], clips: tuple[Any, ...], run: Run) -> None:
    if all(budget is None for budget in budgets):
        raise ValueError("fit needs a budget: epochs, max_steps or max_seconds")
    if all(clip is not None for clip in clips):
        raise ValueError("clip_norm and clip_value exclude each other, got both")
    if isinstance(batches, Iterator):
        raise TypeError(
            "batches can be read only once (an iterator or generator); pass a list, or a function that "
            "returns a new iterator for every epoch"
        )
    if not callable(batches) and not isinstance(batches, Iterable):
        raise TypeError(f"batches must be an iterable or a function, got {type(batches).__name__}")
    if run.rng is None and (callable(batches) or model.has_dropout):
        why = "batches is a function" if callable(batches) else "the model has dropout"
        raise ValueError(f"run: {why}, which needs randomness; pass run=Run(np.random.default_rng(seed))")
