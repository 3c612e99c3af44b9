"""The LSTM's classical variants (chapter 7): peepholes, coupled gates, no forget gate.

    I_t = σ(a_i + p_i ⊙ C_{t−1})   or, coupled, 1 − F_t
    F_t = σ(a_f + p_f ⊙ C_{t−1})   or, without forget gate, 1
    C_t = F_t ⊙ C_{t−1} + I_t ⊙ G_t
    O_t = σ(a_o + p_o ⊙ C_t)       the output gate sees the new cell state

with a = X_t W_x + H_{t−1} W_h + b, gate by gate, and p = 0 without peepholes. `LSTM` calls these functions where one of
the options is set; with none of them they compute what its own step computes.

References: Hochreiter & Schmidhuber (1997), no forget gate; Gers & Schmidhuber (2000), peepholes; Greff et al. (2017),
"LSTM: a search space odyssey", all of them compared.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlib.cells.arguments import number
from rnnlib.cells.cell import Array, Gates, State, blocks

if TYPE_CHECKING:
    from rnnlib.cells.lstm import LSTM


def gates_of(coupled: bool, forget_gate: bool) -> tuple[str, ...]:
    """The gates that have weights.

    Raises
    ------
    ValueError
        If there is no forget gate that the input gate could be coupled to.
    """
    if coupled and not forget_gate:
        raise ValueError("coupled: expected False with forget_gate=False (i = 1 − f would be 0 for ever), got True")
    return tuple(gate for gate in "ifog" if not (gate == "i" and coupled) and not (gate == "f" and not forget_gate))


def forget_bias_of(forget_bias: float | None, forget_gate: bool) -> float:
    """1 unless given; 0 without a forget gate, where nothing else makes sense."""
    if not forget_gate and forget_bias:
        raise ValueError(f"forget_bias: expected none with forget_gate=False, got {forget_bias}")
    return float(forget_gate) if forget_bias is None else number("forget_bias", forget_bias)


def peepholes(cell: "LSTM") -> dict[str, Array]:
    """p_i, p_f and p_o (H,), of those gates that there are: zeros, so that a new cell is a plain LSTM."""
    return {f"p_{gate}": np.zeros(cell.hidden_size, cell.dtype) for gate in cell.gates if gate != "g"}


def _peep(cell: "LSTM", gate: str, seen: Array) -> Array | float:
    """p ⊙ `seen`, the cell state on the way forward, the gate's gradient on the way back; 0 without peepholes."""
    return cell.params[f"p_{gate}"] * seen if cell.peephole else 0.0


def forward(cell: "LSTM", u: Array, state: State) -> tuple[State, Gates]:
    """One step of any variant; as `Cell.forward`."""
    (h_prev, c_prev), σ, φ = state, cell.recurrent_activation.value, cell.activation.value
    a = dict(zip(cell.gates, blocks(u + cell.dropped(h_prev) @ cell.params["W_h"], len(cell.gates)), strict=True))
    f = σ(a["f"] + _peep(cell, "f", c_prev)) if cell.forget_gate else np.ones_like(c_prev)
    i = 1 - f if cell.coupled else σ(a["i"] + _peep(cell, "i", c_prev))
    g = φ(a["g"])
    c = f * c_prev + i * g
    o = σ(a["o"] + _peep(cell, "o", c))
    h = o * φ(c)
    values = {"i": i, "f": f, "o": o, "g": g}
    return (h, c), tuple(values[gate] for gate in cell.gates)


def backward(cell: "LSTM", dstate: State, before: State, after: State, gates: Gates) -> tuple[Array, State]:
    """The same step backward; as `Cell.backward`."""
    (dh, dc), (_, c_prev), (_, c), values = dstate, before, after, dict(zip(cell.gates, gates, strict=True))
    dσ, φ, dφ = cell.recurrent_activation.slope, cell.activation.value, cell.activation.slope
    o, g = values["o"], values["g"]
    f = values["f"] if cell.forget_gate else np.ones_like(c)
    i = 1 - f if cell.coupled else values["i"]
    phi_c, da = φ(c), {}
    da["o"] = dh * phi_c * dσ(o)
    dc = dc + dh * o * dφ(phi_c) + _peep(cell, "o", da["o"])  # the output gate looked at C_t
    da["g"] = dc * i * dφ(g)
    if cell.coupled:
        da["f"] = dc * (c_prev - g) * dσ(f)  # f opens, 1 − f closes
    else:
        da["i"] = dc * g * dσ(i)
        if cell.forget_gate:
            da["f"] = dc * c_prev * dσ(f)
    dc_prev = dc * f
    for gate in set(cell.gates) & {"i", "f"}:
        dc_prev = dc_prev + _peep(cell, gate, da[gate])  # these two looked at C_{t−1}
    da_all = np.concatenate([da[gate] for gate in cell.gates], axis=1)  # (B, G·H)
    dh_prev = cell.dropped(da_all @ cell.params["W_h"].T)
    return da_all, (dh_prev, dc_prev)


def peephole_gradients(cell: "LSTM", before: State, after: State, da: Array) -> dict[str, Any]:
    """∂L/∂p_i = Σ δ_i ⊙ C_{t−1}, and likewise p_f; ∂L/∂p_o = Σ δ_o ⊙ C_t; sums over steps and sequences, (H,) each."""
    seen = {"i": before[1], "f": before[1], "o": after[1]}
    shares = dict(zip(cell.gates, blocks(da, len(cell.gates)), strict=True))
    return {f"p_{gate}": np.einsum("tbh,tbh->h", shares[gate], c) for gate, c in seen.items() if gate in shares}
