"""Optimisers: how a gradient becomes a step.

Parameters and gradients are dicts of arrays with the same keys. ``update`` changes the parameters in place,
so a cell whose arrays are in the dict learns without being told. The learning rate is a plain attribute: a
schedule is a callback that sets it.

Deliberately absent: decoupled weight decay and the dozens of relatives of Adam. With `SGD` an L2 penalty
(:mod:`rnnlib.training.regularisers`) is weight decay. With `Adam` it is not: the penalty's gradient is divided by the
same root as the rest, so it hardly matters how strong it is (Loshchilov & Hutter, "Decoupled Weight Decay
Regularization", 2019). AdamW, which subtracts the weights apart from the step, is in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnlib.cells.arguments import number

__all__ = ["SGD", "Adam", "Optimiser"]

Arrays = dict[str, np.ndarray]


class Optimiser:
    """What `fit` asks of an optimiser, and what SGD and Adam share: derive your own from it.

    `update` is enough to train. For a checkpoint, `config`, `state` and `load_state` say what it is and what it
    remembers.

    Examples
    --------
    AdamW's decay, which is taken from the weights themselves and not from their gradients:

    >>> class Decayed(Adam):
    ...     def update(self, params, gradients):
    ...         for p in params.values():
    ...             p *= 1 - 0.01 * self.learning_rate
    ...         super().update(params, gradients)
    >>> params = {"w": np.array([1.0])}
    >>> Decayed(0.1).update(params, {"w": np.array([0.0])})
    >>> params["w"]
    array([0.999])
    """

    steps = 0

    @property
    def learning_rate(self) -> float:
        """A plain float, whatever it was set to, so that a run that is loaded goes on with the same number."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = _positive("learning_rate", value)

    def update(self, params: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]) -> None:
        """Take one step: change ``params`` in place."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method update(params, gradients), got none")

    def config(self) -> dict[str, Any]:
        """The options, for a checkpoint."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method config(), got none")

    def state(self) -> Arrays:
        """Copies of everything that ``update`` remembers, as a flat dict of arrays."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method state(), got none")

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from what `state` returned."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method load_state(state), got none")

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self.config().items() if name != "class")
        return f"{type(self).__name__}({options})"


class SGD(Optimiser):
    """Gradient descent on mini-batches, with optional momentum.

    ``v ← momentum · v + g`` and then ``p ← p − learning_rate · v``; with ``nesterov=True`` the step is ``g
    + momentum · v`` instead of ``v``. PyTorch's update; Keras folds the learning rate into v, which is the
    same as long as the learning rate stays constant.

    Parameters
    ----------
    learning_rate : float
        Positive.
    momentum : float
        0 (plain gradient descent) up to but not including 1.
    nesterov : bool
        Look ahead along the momentum; needs ``momentum > 0``.

    Raises
    ------
    ValueError
        If an option is out of its range.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum in deep
    learning".

    Examples
    --------
    >>> params = {"w": np.array([1.0])}
    >>> optimiser = SGD(learning_rate=0.1, momentum=0.9)
    >>> for _ in range(3):
    ...     optimiser.update(params, {"w": 2 * params["w"]})  # minimise w²
    >>> params["w"].round(4)
    array([0.062])
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False) -> None:
        self.learning_rate = learning_rate
        self.momentum = _below_one("momentum", momentum)
        if nesterov and momentum == 0:
            raise ValueError("nesterov: expected False where momentum=0, got True")
        self.nesterov = bool(nesterov)
        self.steps = 0
        self.velocity: Arrays = {}

    def update(self, params: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]) -> None:
        """Take one step: change ``params`` in place. Raises ValueError if keys or shapes differ."""
        _check_gradients(params, gradients, self.velocity)
        if self.momentum and not self.velocity:
            self.velocity = _zeros_like(params)
        self.steps += 1
        for name, p in params.items():
            step = gradients[name]
            if self.momentum:
                v = self.velocity[name] = self.momentum * self.velocity[name] + gradients[name]
                step = gradients[name] + self.momentum * v if self.nesterov else v
            p -= self.learning_rate * step

    def config(self) -> dict[str, float | bool | str]:
        """The options, for a checkpoint."""
        return {
            "class": "SGD",
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }

    def state(self) -> Arrays:
        """Copies of everything that ``update`` remembers, as a flat dict of arrays."""
        return _pack(self.steps, self.learning_rate, velocity=self.velocity)

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from what :meth:`state` returned. Raises ValueError if it belongs to another optimiser."""
        self.steps, self.learning_rate, (self.velocity,) = _unpack(state, "velocity")


class Adam(Optimiser):
    """Adam: each entry's step is scaled by a running estimate of its gradient's mean and mean square.

    ``m ← β₁ m + (1 − β₁) g``, ``v ← β₂ v + (1 − β₂) g²``, and with the bias corrections m̂ = m/(1 − β₁ᵗ)
    and v̂ = v/(1 − β₂ᵗ): ``p ← p − learning_rate · m̂ / (√v̂ + epsilon)``. This is the paper's and
    PyTorch's form. Keras adds its epsilon (1e-7) to √v before the correction, which differs only where
    gradients are tiny.

    Parameters
    ----------
    learning_rate : float
        Positive.
    beta_1, beta_2 : float
        Decay of the two running means, 0 up to but not including 1.
    epsilon : float
        Positive; keeps the division finite.

    Raises
    ------
    ValueError
        If an option is out of its range.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization".

    Examples
    --------
    The first step is as long as the learning rate, whatever the gradient's size:

    >>> params = {"w": np.array([1.0, 1.0])}
    >>> Adam(learning_rate=0.1).update(params, {"w": np.array([1e-3, -500.0])})
    >>> params["w"].round(4)
    array([0.9, 1.1])
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.learning_rate = learning_rate
        self.beta_1 = _below_one("beta_1", beta_1)
        self.beta_2 = _below_one("beta_2", beta_2)
        self.epsilon = _positive("epsilon", epsilon)
        self.steps = 0
        self.mean: Arrays = {}
        self.square: Arrays = {}

    def update(self, params: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray]) -> None:
        """Take one step: change ``params`` in place. Raises ValueError if keys or shapes differ."""
        _check_gradients(params, gradients, self.mean)
        if not self.mean:
            self.mean, self.square = _zeros_like(params), _zeros_like(params)
        self.steps += 1
        for name, p in params.items():
            g = gradients[name]
            m = self.mean[name] = self.beta_1 * self.mean[name] + (1 - self.beta_1) * g
            v = self.square[name] = self.beta_2 * self.square[name] + (1 - self.beta_2) * g**2
            m_hat = m / (1 - self.beta_1**self.steps)  # both means began at 0: too small at first
            v_hat = v / (1 - self.beta_2**self.steps)
            p -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)

    def config(self) -> dict[str, float | str]:
        """The options, for a checkpoint."""
        return {
            "class": "Adam",
            "learning_rate": self.learning_rate,
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }

    def state(self) -> Arrays:
        """Copies of everything that ``update`` remembers, as a flat dict of arrays."""
        return _pack(self.steps, self.learning_rate, mean=self.mean, square=self.square)

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from what :meth:`state` returned. Raises ValueError if it belongs to another optimiser."""
        self.steps, self.learning_rate, (self.mean, self.square) = _unpack(state, "mean", "square")


def _positive(name: str, value: float) -> float:
    if not 0 < number(name, value) < math.inf:
        raise ValueError(f"{name}: expected a positive number, got {value!r}")
    return float(value)


def _below_one(name: str, value: float) -> float:
    if not 0 <= number(name, value) < 1:
        raise ValueError(f"{name}: expected at least 0 and less than 1, got {value!r}")
    return float(value)


def _zeros_like(params: Mapping[str, np.ndarray]) -> Arrays:
    return {name: np.zeros_like(p) for name, p in params.items()}


def _check_gradients(
    params: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray], remembered: Mapping[str, np.ndarray]
) -> None:
    if remembered and {n: a.shape for n, a in remembered.items()} != {n: p.shape for n, p in params.items()}:
        raise ValueError("params: expected those that this optimiser began with, got others; make a new optimiser")
    if params.keys() != gradients.keys():
        raise ValueError(f"gradients: expected the keys of params, {sorted(params)}, got {sorted(gradients)}")
    for name, p in params.items():
        if gradients[name].shape != p.shape:
            raise ValueError(f"gradients[{name!r}]: expected shape {p.shape}, got {gradients[name].shape}")


def _pack(steps: int, learning_rate: float, **groups: Arrays) -> Arrays:
    """One flat dict: the scalars, and 'group.parameter' for every array."""
    packed = {"steps": np.array(steps), "learning_rate": np.array(learning_rate)}
    for group, arrays in groups.items():
        packed |= {f"{group}.{name}": a.copy() for name, a in arrays.items()}
    return packed


def _unpack(state: Mapping[str, np.ndarray], *groups: str) -> tuple[int, float, list[Arrays]]:
    """Undo :func:`_pack`; refuse a state whose groups are not these."""
    found: dict[str, Arrays] = {group: {} for group in groups}
    for key, array in state.items():
        if key in ("steps", "learning_rate"):
            continue
        group, _, name = key.partition(".")
        if group not in found:
            raise ValueError(f"state: expected what this optimiser remembers, {', '.join(groups)}, got {key!r}")
        found[group][name] = np.array(array)
    if not {"steps", "learning_rate"} <= state.keys():
        raise ValueError(f"state: expected the entries 'steps' and 'learning_rate', got {sorted(state)}")
    return int(state["steps"]), float(state["learning_rate"]), list(found.values())
