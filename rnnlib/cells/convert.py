"""Weights from and to PyTorch and Keras: each function is a method of the cell that it names.

The three libraries fuse the gates in different orders and share out the biases differently:

    =====  ===========  =================  ======================
    cell   rnnlib       torch.nn           keras.layers
    =====  ===========  =================  ======================
    LSTM   i, f, o, g   i, f, g, o         i, f, c (= g), o
    GRU    r, z, n      r, z, n            z, r, h (= n)
    bias   b            b_ih + b_hh        one (GRU reset_after: two rows)
    =====  ===========  =================  ======================

PyTorch multiplies from the left, W Xᵀ, so its matrices are the transposes of ours.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnlib.extras import needs

if TYPE_CHECKING:
    import torch

    from rnnlib.cells.gru import GRU
    from rnnlib.cells.lstm import LSTM
    from rnnlib.cells.rnn import RNN

Array = NDArray[Any]


def reorder(fused: Array, order: str, wanted: str) -> Array:
    """The gate blocks along the last axis of `fused`, from `order` to `wanted`.

    Examples
    --------
    >>> reorder(np.array([1, 2, 3, 4, 5, 6, 7, 8]), "ifgo", "ifog")
    array([1, 2, 3, 4, 7, 8, 5, 6])
    """
    block = dict(zip(order, np.split(fused, len(order), axis=-1), strict=True))
    return np.concatenate([block[gate] for gate in wanted], axis=-1)


# PyTorch -----------------------------------------------------------------------------------------------------------


def rnn_from_torch(cls: "type[RNN]", module: "torch.nn.RNN") -> "RNN":
    """An `RNN` with the weights and the dtype of a ``torch.nn.RNN`` of one layer and one direction.

    Raises
    ------
    TypeError
        If `module` is something else.
    ValueError
        If it has more layers or directions.
    """
    sizes, weights, bias = _read_torch(module, "RNN")
    cell = cls(**sizes, activation=module.nonlinearity)
    return _fill(cell, weights | ({"b": bias[0] + bias[1]} if bias else {}))


def gru_from_torch(cls: "type[GRU]", module: "torch.nn.GRU") -> "GRU":
    """A `GRU` (with ``reset_after=True``, PyTorch's form) from a ``torch.nn.GRU`` of one layer and one direction.

    Raises
    ------
    TypeError
        If `module` is something else.
    ValueError
        If it has more layers or directions.
    """
    sizes, weights, bias = _read_torch(module, "GRU")
    cell = cls(**sizes, reset_after=True)
    if bias:
        H = cell.hidden_size
        b_x, b_h = bias
        weights |= {"b": np.concatenate([(b_x + b_h)[: 2 * H], b_x[2 * H :]]), "b_n": b_h[2 * H :]}
    return _fill(cell, weights)


def lstm_from_torch(cls: "type[LSTM]", module: "torch.nn.LSTM") -> "LSTM":
    """An `LSTM` with the weights and the dtype of a ``torch.nn.LSTM`` of one layer and one direction.

    Raises
    ------
    TypeError
        If `module` is something else.
    ValueError
        If it has more layers or directions, or a projection.
    """
    sizes, weights, bias = _read_torch(module, "LSTM")
    if bias:
        weights["b"] = bias[0] + bias[1]
    return _fill(cls(**sizes), {name: reorder(w, "ifgo", "ifog") for name, w in weights.items()})


def rnn_to_torch(cell: "RNN") -> "torch.nn.RNN":
    """A ``torch.nn.RNN`` with the cell's weights, dtype and activation.

    Raises
    ------
    ValueError
        If PyTorch has no such cell: an activation other than "tanh" and "relu".
    """
    if cell.activation.name not in ("tanh", "relu"):
        raise ValueError(f"activation: expected 'tanh' or 'relu', as torch.nn.RNN has, got {cell.activation.name!r}")
    return _write_torch(cell, "RNN", nonlinearity=cell.activation.name)


def gru_to_torch(cell: "GRU") -> "torch.nn.GRU":
    """A ``torch.nn.GRU`` with the cell's weights and dtype.

    Raises
    ------
    ValueError
        If PyTorch has no such cell: ``reset_after=False``, or activations of one's own choice.
    """
    _expect_standard_activations(cell)
    return _write_torch(cell, "GRU")


def lstm_to_torch(cell: "LSTM") -> "torch.nn.LSTM":
    """A ``torch.nn.LSTM`` with the cell's weights and dtype.

    Raises
    ------
    ValueError
        If PyTorch has no such cell: a variant, or activations of one's own choice.
    """
    _expect_standard_activations(cell)
    return _write_torch(cell, "LSTM")


def rnn_to_torch_names(cell: "RNN", arrays: dict[str, Array]) -> dict[str, Array]:
    """`arrays`, named and shaped as this cell's parameters, by the names of ``torch.nn.RNN``'s parameters.

    Made for gradients: ``cell.to_torch_names(backward(trace, dh).params)`` is what PyTorch has in ``.grad``. Its two
    biases are added to each other, so that both have the gradient of our one.

    Examples
    --------
    >>> from rnnlib.cells import RNN
    >>> cell = RNN(2, 3, rng=np.random.default_rng(0))
    >>> {name: a.shape for name, a in cell.to_torch_names(cell.params).items()}
    {'weight_ih_l0': (3, 2), 'weight_hh_l0': (3, 3), 'bias_ih_l0': (3,), 'bias_hh_l0': (3,)}
    """
    return _torch_names(arrays["W_x"], arrays["W_h"], arrays.get("b"), arrays.get("b"))


def gru_to_torch_names(cell: "GRU", arrays: dict[str, Array]) -> dict[str, Array]:
    """As for an `RNN`, by the names of ``torch.nn.GRU``'s parameters.

    Raises
    ------
    ValueError
        If PyTorch has no such cell: ``reset_after=False``.
    """
    if not cell.reset_after:
        raise ValueError("reset_after: expected True, as in torch.nn.GRU, which resets after the product, got False")
    b_x, H = arrays.get("b"), cell.hidden_size
    b_h = None if b_x is None else np.concatenate([b_x[: 2 * H], arrays["b_n"]])
    return _torch_names(arrays["W_x"], arrays["W_h"], b_x, b_h)


def lstm_to_torch_names(cell: "LSTM", arrays: dict[str, Array]) -> dict[str, Array]:
    """As for an `RNN`, by the names of ``torch.nn.LSTM``'s parameters.

    Raises
    ------
    ValueError
        If PyTorch has no such cell: an LSTM with peepholes, coupled gates or no forget gate.
    """
    for option, wanted in (("peephole", False), ("coupled", False), ("forget_gate", True)):
        if getattr(cell, option) != wanted:
            raise ValueError(f"{option}: expected {wanted}, as in torch.nn.LSTM, got {not wanted}")
    named = {name: reorder(arrays[name], "ifog", "ifgo") for name in ("W_x", "W_h", "b") if name in arrays}
    return _torch_names(named["W_x"], named["W_h"], named.get("b"), named.get("b"))


def _torch_names(W_x: Array, W_h: Array, b_x: Array | None, b_h: Array | None) -> dict[str, Array]:
    named = {"weight_ih_l0": W_x.T, "weight_hh_l0": W_h.T}
    return named if b_x is None or b_h is None else named | {"bias_ih_l0": b_x, "bias_hh_l0": b_h}


def _read_torch(module: Any, kind: str) -> tuple[dict[str, Any], dict[str, Array], tuple[Array, Array] | None]:
    """A module's sizes, its matrices and its two biases, checked."""
    import torch

    if not isinstance(module, getattr(torch.nn, kind)):
        raise TypeError(f"module: expected a torch.nn.{kind}, got {type(module).__name__}")
    ways = {
        "num_layers": "; give each layer to a module of its own, and put the cells into rnnlib.bptt.Stacked",
        "bidirectional": "; give each direction to a module of its own, and put both into rnnlib.bptt.Bidirectional",
    }
    for option, wanted in (("num_layers", 1), ("bidirectional", False), ("proj_size", 0)):
        if getattr(module, option) != wanted:
            got = getattr(module, option)
            raise ValueError(f"module: expected {option}={wanted}, got {got}{ways.get(option, '')}")
    read = {name: p.detach().cpu().numpy().copy() for name, p in module.named_parameters()}
    sizes = {
        "input_size": module.input_size,
        "hidden_size": module.hidden_size,
        "dtype": read["weight_hh_l0"].dtype,
        "use_bias": module.bias,
        "rng": np.random.default_rng(0),  # its draws are overwritten
    }
    weights = {"W_x": read["weight_ih_l0"].T, "W_h": read["weight_hh_l0"].T}
    return sizes, weights, (read["bias_ih_l0"], read["bias_hh_l0"]) if module.bias else None


def _write_torch(cell: Any, kind: str, **options: Any) -> Any:
    needs("to_torch", "course", "torch")
    import torch

    named = cell.to_torch_names(cell.params)
    if cell.use_bias:  # of two biases that are added, the second one is 0 …
        named["bias_hh_l0"] = np.zeros_like(named["bias_ih_l0"])
        if "b_n" in cell.params:  # … but where the reset gate comes between them
            named["bias_hh_l0"][-cell.hidden_size :] = cell.params["b_n"]
    dtype = {np.dtype(np.float32): torch.float32, np.dtype(np.float64): torch.float64}[cell.dtype]
    module = getattr(torch.nn, kind)(cell.input_size, cell.hidden_size, bias=cell.use_bias, dtype=dtype, **options)
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(torch.tensor(named[name]))
    return module


def _expect_standard_activations(cell: Any) -> None:
    for option, wanted in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        given = getattr(cell, option).name
        if given != wanted:
            raise ValueError(f"{option}: expected {wanted!r}, as in torch.nn.{type(cell).__name__}, got {given!r}")


# Keras -------------------------------------------------------------------------------------------------------------


def rnn_from_keras(cls: "type[RNN]", weights: Sequence[Array], **options: Any) -> "RNN":
    """An `RNN` from what ``get_weights()`` of a ``keras.layers.SimpleRNN`` returns.

    Parameters
    ----------
    weights : sequence of arrays
        ``[kernel (D, H), recurrent_kernel (H, H)]`` and, of a layer with biases, ``bias (H,)``.
    **options
        The layer's other options under Keras' names, as in its ``get_config()``; those that are none of a cell's
        (``name``, ``return_sequences``, …) are passed over.

    Raises
    ------
    ValueError
        If the number or the shapes of the weights are not those of such a layer.
    """
    options = _keras_options(options, weights)
    sizes, named = _read_keras(weights, gates=1, bias_rows=None)
    return _fill(cls(**sizes, **options), named)


def gru_from_keras(cls: "type[GRU]", weights: Sequence[Array], **options: Any) -> "GRU":
    """A `GRU` from what ``get_weights()`` of a ``keras.layers.GRU`` returns.

    Parameters
    ----------
    weights : sequence of arrays
        ``[kernel (D, 3H), recurrent_kernel (H, 3H)]`` and, of a layer with biases, ``bias``: (2, 3H) if the layer
        has ``reset_after=True`` (Keras' default), else (3H,).
    **options
        The layer's other options under Keras' names, as in its ``get_config()``; those that are none of a cell's
        (``name``, ``return_sequences``, …) are passed over. ``reset_after`` is what the shape of the bias says,
        if there is one, and False without, unless given.

    Raises
    ------
    ValueError
        If the number or the shapes of the weights are not those of such a layer.
    """
    options = _keras_options(options, weights)
    two_rows = isinstance(weights, Sequence) and len(weights) == 3 and np.ndim(weights[2]) == 2
    reset_after = options.setdefault("reset_after", two_rows)
    sizes, named = _read_keras(weights, gates=3, bias_rows=2 if reset_after else None)
    named = {name: reorder(w, "zrn", "rzn") for name, w in named.items()}
    if reset_after and "b" in named:
        H = sizes["hidden_size"]
        b_x, b_h = named["b"]
        named |= {"b": np.concatenate([(b_x + b_h)[: 2 * H], b_x[2 * H :]]), "b_n": b_h[2 * H :]}
    return _fill(cls(**sizes, **options), named)


def lstm_from_keras(cls: "type[LSTM]", weights: Sequence[Array], **options: Any) -> "LSTM":
    """An `LSTM` from what ``get_weights()`` of a ``keras.layers.LSTM`` returns.

    Parameters
    ----------
    weights : sequence of arrays
        ``[kernel (D, 4H), recurrent_kernel (H, 4H)]`` and, of a layer with biases, ``bias (4H,)``.
    **options
        The layer's other options under Keras' names, as in its ``get_config()``; those that are none of a cell's
        (``name``, ``return_sequences``, …) are passed over.

    Raises
    ------
    ValueError
        If the number or the shapes of the weights are not those of such a layer.
    """
    options = _keras_options(options, weights)
    if "unit_forget_bias" in options:  # how the bias began; it is overwritten
        options["forget_bias"] = float(options.pop("unit_forget_bias"))
    sizes, named = _read_keras(weights, gates=4, bias_rows=None)
    named = {name: reorder(w, "ifgo", "ifog") for name, w in named.items()}
    return _fill(cls(**sizes, **options), named)


# what ``get_config()`` says of a layer and not of its cell: its name, loop, how its weights began and are held small
LAYER_OPTIONS = {"name", "trainable", "dtype", "units", "seed", "implementation", "zero_output_for_mask"}
LAYER_OPTIONS |= {"return_sequences", "return_state", "go_backwards", "stateful", "unroll"}
LAYER_OPTIONS |= {f"{role}_initializer" for role in ("kernel", "recurrent", "bias")}
LAYER_OPTIONS |= {f"{role}_regularizer" for role in ("kernel", "recurrent", "bias", "activity")}
LAYER_OPTIONS |= {f"{role}_constraint" for role in ("kernel", "recurrent", "bias")}


def _keras_options(options: dict[str, Any], weights: Any) -> dict[str, Any]:
    """The cell's options among those of a Keras layer; ``use_bias`` must agree with the number of arrays."""
    kept = {name: value for name, value in options.items() if name not in LAYER_OPTIONS}
    arrays = len(weights) if isinstance(weights, Sequence) else 0  # `_read_keras` says what is wrong with others
    use_bias = kept.pop("use_bias", arrays == 3)
    if arrays in (2, 3) and bool(use_bias) != (arrays == 3):
        raise ValueError(f"use_bias: expected {arrays == 3} with {arrays} arrays in weights, got {use_bias}")
    return kept


def _read_keras(weights: Sequence[Array], gates: int, bias_rows: int | None) -> tuple[dict[str, Any], dict[str, Array]]:
    """The sizes and the named arrays in `weights`, checked."""
    if not isinstance(weights, Sequence):
        raise TypeError(f"weights: expected the list that get_weights() returns, got {type(weights).__name__}")
    arrays = [np.asarray(w) for w in weights]
    shapes = [a.shape for a in arrays]
    if len(arrays) not in (2, 3) or any(len(s) != 2 for s in shapes[:2]):
        raise ValueError(f"weights: expected [kernel, recurrent_kernel] and perhaps bias, got shapes {shapes}")
    D, H = shapes[0][0], shapes[1][0]
    bias_shape = (gates * H,) if bias_rows is None else (bias_rows, gates * H)
    wanted = [(D, gates * H), (H, gates * H), bias_shape][: len(shapes)]
    if shapes != wanted:
        raise ValueError(f"weights: expected the shapes {wanted}, got {shapes}")
    sizes = {
        "input_size": D,
        "hidden_size": H,
        "dtype": arrays[0].dtype,
        "use_bias": len(arrays) == 3,
        "rng": np.random.default_rng(0),  # its draws are overwritten
    }
    return sizes, dict(zip(("W_x", "W_h", "b"), arrays, strict=False))


def _fill(cell: Any, weights: dict[str, Array]) -> Any:
    """Write `weights` into the cell's parameters; there must be one for each."""
    if weights.keys() != cell.params.keys():
        raise ValueError(f"weights: expected {sorted(cell.params)}, got {sorted(weights)}")
    for name, param in cell.params.items():
        param[...] = weights[name]
    return cell
