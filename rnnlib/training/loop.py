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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm.auto import tqdm

from rnnlib.training.checkpoints import check_savable, save_checkpoint
from rnnlib.training.clipping import clip_by_norm, clip_by_value, global_norm
from rnnlib.training.history import Run
from rnnlib.training.optimisers import Optimiser

__all__ = ["Trainable", "fit"]

Batches = Iterable[Any] | Callable[[np.random.Generator], Iterable[Any]]


class Trainable(Protocol):
    """What `fit` asks of a model. `Model` has it; so may a PyTorch module, whose arrays NumPy sees without a copy.

    For a checkpoint the class must be registered too (:func:`rnnlib.registry.register`) and have ``config()``.

    Examples
    --------
    A PyTorch module that trains here: its parameters as NumPy arrays that share their memory, and one method.

    >>> from types import SimpleNamespace
    >>> import torch
    >>> from rnnlib.training import Adam
    >>> class Line(torch.nn.Linear):
    ...     has_dropout = False
    ...
    ...     @property
    ...     def params(self):
    ...         return {name: p.detach().numpy() for name, p in self.named_parameters()}
    ...
    ...     def loss_and_gradients(self, batch, state=None, rng=None):
    ...         x, y = batch
    ...         self.zero_grad()
    ...         loss = torch.nn.functional.mse_loss(self(torch.tensor(x)), torch.tensor(y))
    ...         loss.backward()
    ...         gradients = {name: p.grad.numpy() for name, p in self.named_parameters()}
    ...         return SimpleNamespace(loss=loss.item(), gradients=gradients, state=None, symbols=len(x))
    ...
    ...     def after_update(self):
    ...         pass
    >>> x = np.linspace(-1, 1, 9, dtype=np.float32)[:, None]
    >>> line = Line(1, 1)
    >>> run = fit(line, [(x, 3 * x - 1)], Adam(0.1), max_steps=200, progress=False)
    >>> round(line.weight.item(), 2), round(line.bias.item(), 2)
    (3.0, -1.0)
    """

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        """The parameters by name; the optimiser changes the arrays in place."""

    @property
    def has_dropout(self) -> bool:
        """Whether training needs a random generator."""

    def loss_and_gradients(self, batch: Any, state: Any = None, rng: np.random.Generator | None = None) -> Any:
        """One pass: something with ``loss``, ``gradients`` (keys as `params`), ``state`` and ``symbols``."""

    def after_update(self) -> None:
        """Called after every update of the parameters, for instance to apply constraints."""


def fit(
    model: Trainable,
    batches: Batches,
    optimiser: Optimiser,
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
    model : Model, or whatever keeps the protocol `Trainable`
        Its parameters are changed in place.
    batches : iterable, or function from a Generator to an iterable
        One pass over it is one epoch. It yields what the model's ``loss_and_gradients`` takes: of a `Model`, a
        :class:`rnnlib.text.Batch`, ``(x, y)`` or ``(x, y, mask)``. A function is called at the
        start of each epoch with a generator of that epoch's own: shuffle with it, and a resumed run sees
        the same order. For instance ``lambda rng: ShuffledBatches(ids, 32, 64, rng=rng)``.
    optimiser : SGD, Adam, or whatever has the methods of `Optimiser`
    epochs, max_steps, max_seconds : optional
        Budgets, counted over the whole ``run``, resumed parts included. The first one reached ends the
        training; at least one is needed.
    stateful : bool, optional
        Carry the state from each batch into the next, and start every epoch with zeros. The k-th sequence
        of a batch must then continue the k-th sequence of the batch before. By default what
        ``carries_state`` of the batches says, else False. The gradient stops at the border between two batches:
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
    >>> from rnnlib.training import Adam, Model
    >>> rng = np.random.default_rng(0)
    >>> model = Model(RNN(3, 8, rng=rng), output_size=3, rng=rng)
    >>> x = np.array([[0], [1], [2], [0], [1], [2]])
    >>> run = fit(model, [(x, (x + 1) % 3)], Adam(0.05), max_steps=50, progress=False)
    >>> run.step, run.history.loss[-1] < 0.1 * run.history.loss[0]
    (50, True)
    """
    run = Run() if run is None else run
    _check_kinds(model, optimiser, batches, stored=checkpoint is not None)
    _check_options(model, batches, (epochs, max_steps, max_seconds), (clip_norm, clip_value), run)
    _check_sizes(epochs=epochs, max_steps=max_steps, validate_every=validate_every, checkpoint_every=checkpoint_every)
    if checkpoint:
        check_savable(checkpoint, model)  # now, not after the first thousand steps
    spent = _budget(run, epochs, max_steps, max_seconds)
    with _bar(batches, epochs, max_steps, run, progress) as bar:
        while not spent():
            epoch = _epoch(batches, run)
            carries = _carries_state(epoch, stateful)
            for batch, is_last in _rest_of_epoch(epoch, run):
                _train_step(model, batch, optimiser, run, carries, clip_norm, clip_value)
                bar.update()
                bar.set_postfix(loss=run.history.loss[-1], refresh=False)
                if validate and validate_every and run.step % validate_every == 0:
                    _record_validation(run, validate)
                stop = callback is not None and callback(run)
                if is_last:
                    _end_epoch(run)
                    if validate and not validate_every:
                        _record_validation(run, validate)
                if checkpoint and run.step % checkpoint_every == 0:
                    save_checkpoint(checkpoint, model, optimiser, run)
                if stop or spent():
                    break
            if stop:
                break
    if checkpoint:
        save_checkpoint(checkpoint, model, optimiser, run)
    return run


def _train_step(
    model: Trainable,
    batch: Any,
    optimiser: Optimiser,
    run: Run,
    stateful: bool,
    clip_norm: float | None,
    clip_value: float | None,
) -> None:
    state = run.state if stateful else None
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # the check below reports what overflows
            result = model.loss_and_gradients(batch, state, run.rng)
            if not math.isfinite(result.loss):
                raise FloatingPointError(f"the loss is {result.loss}")
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
        model.after_update()
        _record(run, result, norm, stateful)


def _clip(gradients: dict[str, np.ndarray], clip_norm: float | None, clip_value: float | None) -> float:
    """Clip in place; return the norm before."""
    if clip_norm is not None:
        return clip_by_norm(gradients, clip_norm)
    if clip_value is not None:
        return clip_by_value(gradients, clip_value)
    return global_norm(gradients)


def _record(run: Run, result: Any, norm: float, stateful: bool) -> None:
    run.history.loss.append(result.loss)
    run.history.symbols.append(result.symbols)
    run.history.gradient_norm.append(norm)
    run.state = result.state if stateful else None
    run.step += 1
    run.batch += 1


def _record_validation(run: Run, validate: Callable[[], float]) -> None:
    value = float(validate())
    run.history.validation.append(value)
    run.history.validation_step.append(run.step)


def _epoch(batches: Batches, run: Run) -> Iterable[Any]:
    """The batches of the epoch at hand."""
    if not callable(batches):
        return batches
    if run.epoch_seed is None:
        assert run.rng is not None  # _check_options saw to it
        run.epoch_seed = int(run.rng.integers(2**63))
    return batches(np.random.default_rng(run.epoch_seed))


def _carries_state(epoch: Iterable[Any], stateful: bool | None) -> bool:
    """Whether the state goes on to the next batch; refused where batches say that they do not continue each other."""
    says = getattr(epoch, "carries_state", None)
    if stateful and says is False:
        raise ValueError(
            f"stateful: expected False or None with {type(epoch).__name__}, whose batches do not continue each other "
            "(carries_state is False), got True; SequentialBatches do"
        )
    return bool(says if stateful is None else stateful)


def _rest_of_epoch(epoch: Iterable[Any], run: Run) -> Iterator[tuple[Any, bool]]:
    """The batches that have not been taken yet, each with whether it is the epoch's last."""
    rest = itertools.islice(iter(epoch), run.batch, None)
    nothing = object()
    batch = next(rest, nothing)
    if batch is nothing:
        raise ValueError("batches: expected at least one more batch in this epoch, got none")
    while batch is not nothing:
        upcoming = next(rest, nothing)
        yield batch, upcoming is nothing
        batch = upcoming


def _end_epoch(run: Run) -> None:
    with _uninterrupted():
        losses, symbols = run.history.loss[-run.batch :], run.history.symbols[-run.batch :]
        run.history.epoch_loss.append(float(np.average(losses, weights=symbols)))
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


def _check_kinds(model: Any, optimiser: Any, batches: Any, *, stored: bool) -> None:
    """TypeError where something else stands in the place of the model, the optimiser or the batches."""
    needed = ("params", "loss_and_gradients", "after_update", "has_dropout")
    if missing := [name for name in needed if isinstance(model, type) or not hasattr(model, name)]:
        raise TypeError(f"model: expected a Model, got {_kind(model)}, which lacks {', '.join(missing)}")
    if isinstance(optimiser, type) or not hasattr(optimiser, "update"):
        raise TypeError(f"optimiser: expected an SGD or an Adam, such as Adam(0.001), got {_kind(optimiser)}")
    if stored and (missing := [name for name in ("config", "state", "load_state") if not hasattr(optimiser, name)]):
        what = f"{_kind(optimiser)}, which lacks {', '.join(missing)}"
        raise TypeError(f"optimiser: expected an Optimiser, whose state a checkpoint can hold, got {what}")
    if isinstance(batches, tuple) and batches and isinstance(batches[0], np.ndarray):
        raise TypeError("batches: expected a list of batches, got one batch; put it into a list: [(x, y)]")


def _kind(thing: Any) -> str:
    return f"the class {thing.__name__}" if isinstance(thing, type) else type(thing).__name__


def _check_sizes(**sizes: int | None) -> None:
    for name, size in sizes.items():
        if size is not None and (isinstance(size, bool) or not isinstance(size, int | np.integer)):
            raise TypeError(f"{name}: expected an int, got {type(size).__name__}")
        if size is not None and size < 1:
            raise ValueError(f"{name}: expected at least 1, got {size}")


def _check_options(
    model: Trainable, batches: Batches, budgets: tuple[Any, ...], clips: tuple[Any, ...], run: Run
) -> None:
    if all(budget is None for budget in budgets):
        raise ValueError("epochs, max_steps, max_seconds: expected at least one budget, got none")
    if all(clip is not None for clip in clips):
        raise ValueError("clip_norm, clip_value: expected at most one of them, got both")
    for name, clip in zip(("clip_norm", "clip_value"), clips, strict=True):
        if clip is not None and not clip > 0:
            raise ValueError(f"{name}: expected a positive number, got {clip!r}")
    if isinstance(batches, Iterator):
        raise TypeError(
            f"batches: expected something that can be read again for every epoch, got {type(batches).__name__}, which "
            "can be read only once; pass a list, or a function that returns a new iterator"
        )
    if not callable(batches) and not isinstance(batches, Iterable):
        raise TypeError(f"batches: expected an iterable or a function, got {type(batches).__name__}")
    if run.rng is None and (callable(batches) or model.has_dropout):
        why = "batches is a function" if callable(batches) else "the model has dropout"
        raise ValueError(f"run: expected Run(np.random.default_rng(seed)), because {why}, got one without randomness")
