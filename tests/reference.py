"""The cells once more, as slow and as literal as can be: one gate at a time, PyTorch's autograd for the gradients.

An oracle for what torch.nn has not got: reset before the product, masks that end anywhere, other activations, dropout.
It shares no code with rnnlib.
"""

import numpy as np
import torch

ACTIVATIONS = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda a: torch.clamp(a / 6 + 0.5, 0, 1),
    "relu": torch.relu,
    "linear": lambda a: a,
    "softsign": torch.nn.functional.softsign,
    "softplus": torch.nn.functional.softplus,
    "elu": torch.nn.functional.elu,
}


def reference_gradients(cell, x, state, mask, reverse, dh, dstate, drop_x=None, drop_h=None):
    """Outputs h (T, B, H) and last state, and the gradients of Σ dh·h + Σ dstate·state, all as NumPy arrays."""
    params = {name: torch.tensor(p, requires_grad=True) for name, p in cell.params.items()}
    x_ = torch.tensor(x, requires_grad=True)
    initial = tuple(torch.tensor(s, requires_grad=True) for s in state)
    h, last = reference_unroll(cell, params, x_, initial, mask, reverse, drop_x, drop_h)
    loss = (torch.tensor(dh) * h).sum() + sum((torch.tensor(d) * s).sum() for d, s in zip(dstate, last, strict=True))
    loss.backward()
    grads = {name: numpy_or_zeros(p) for name, p in params.items()}
    return {
        "h": h.detach().numpy(),
        "state": [s.detach().numpy() for s in last],
        "params": grads,
        "x": numpy_or_zeros(x_),
        "initial": [numpy_or_zeros(s) for s in initial],
    }


def numpy_or_zeros(leaf):
    return np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()


def reference_unroll(cell, params, x, state, mask, reverse, drop_x, drop_h):
    T = len(x)
    hs = [None] * T
    for t in reversed(range(T)) if reverse else range(T):
        x_t = x[t] if drop_x is None else x[t] * torch.tensor(drop_x)
        new = reference_step(cell, params, x_t, state, drop_h)
        if mask is not None:
            real = torch.tensor(np.asarray(mask[t], dtype=bool))[:, None]
            new = tuple(torch.where(real, n, s) for n, s in zip(new, state, strict=True))
        state = new
        hs[t] = state[0]
    return torch.stack(hs), state


def reference_step(cell, params, x_t, state, drop_h):
    H, h = cell.hidden_size, state[0]
    h_in = h if drop_h is None else h * torch.tensor(drop_h)
    phi = ACTIVATIONS[cell.activation.name]

    def weights(name):
        k = cell.gates.index(name)
        block = slice(k * H, (k + 1) * H)
        b = params["b"][block] if "b" in params else torch.zeros(H, dtype=x_t.dtype)
        return params["W_x"][:, block], params["W_h"][:, block], b

    def before(name, c=None):
        W_x, W_h, b = weights(name)
        return x_t @ W_x + h_in @ W_h + b + (params[f"p_{name}"] * c if f"p_{name}" in params else 0)

    if cell.gates == ("h",):
        return (phi(before("h")),)
    sigma = ACTIVATIONS[cell.recurrent_activation.name]
    if "g" in cell.gates:  # an LSTM; without "f" nothing is forgotten, without "i" the input gate is 1 − f
        c_prev = state[1]
        f = sigma(before("f", c_prev)) if "f" in cell.gates else torch.ones_like(c_prev)
        i = sigma(before("i", c_prev)) if "i" in cell.gates else 1 - f
        c = f * c_prev + i * phi(before("g"))
        return sigma(before("o", c)) * phi(c), c
    r, z = sigma(before("r")), sigma(before("z"))
    W_xn, W_hn, b = weights("n")
    if cell.reset_after:
        n = phi(x_t @ W_xn + b + r * (h_in @ W_hn + params.get("b_n", torch.zeros(H, dtype=x_t.dtype))))
    else:
        n = phi(x_t @ W_xn + (r * h_in) @ W_hn + b)
    return (z * h + (1 - z) * n,)
