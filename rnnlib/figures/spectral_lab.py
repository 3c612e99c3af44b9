"""Eigenvalues, singular values, and the norm of a product of Jacobians (chapter 5)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from rnnlib.cells import RNN
from rnnlib.figures.base import Figure

LONGEST = 60  # steps of the input
LARGEST = 8  # units
ACTIVATIONS = ("linear", "tanh", "sigmoid", "relu")
_ENTRY = re.compile(r"(\d*\.?\d+)@(\d*\.?\d+)")

Array = NDArray[np.float64]


class Eigenvalues(traitlets.Unicode):
    """A trait for eigenvalues: one ``radius@degrees`` for each conjugate pair and each real one.

    Examples
    --------
    >>> class Holder(traitlets.HasTraits):
    ...     eigenvalues = Eigenvalues("0.9@20,0.5@180")
    >>> Holder(eigenvalues="0.9")
    Traceback (most recent call last):
    ...
    traitlets.traitlets.TraitError: eigenvalues: expected radius@degrees, …, 0 to 3 and 0 to 180, got '0.9'
    """

    def validate(self, obj: Any, value: Any) -> Any:
        text = super().validate(obj, value)
        if not all(r <= 3 and degrees <= 180 for r, degrees in polar(text)) or not polar(text):
            raise traitlets.TraitError(f"{self.name}: expected radius@degrees, …, 0 to 3 and 0 to 180, got {text!r}")
        return text


def polar(text: str) -> list[tuple[float, float]]:
    """The radii and angles in a text; none if it is no list of them.

    Examples
    --------
    >>> polar("0.9@20,.5@180"), polar("0.9")
    ([(0.9, 20.0), (0.5, 180.0)], [])
    """
    found = [_ENTRY.fullmatch(part) for part in text.split(",")]
    return [(float(m[1]), float(m[2])) for m in found if m] if all(found) else []


def chain(sizes: list[int]) -> Array:
    """What a block of the Schur form adds to the next ones: ones beside the diagonal of blocks, (H, H).

    Examples
    --------
    >>> chain([1, 2])
    array([[0., 1., 0.],
           [0., 0., 0.],
           [0., 0., 0.]])
    """
    coupling = np.zeros((sum(sizes), sum(sizes)))
    for size, start in zip(sizes, np.cumsum([0, *sizes]), strict=False):
        coupling[start : start + size, start + size :] = np.eye(size, sum(sizes) - start - size)
    return coupling


def schur(W: Array) -> tuple[Array, Array, list[int]]:
    """The real Schur form W = Q U Qᵀ, and the sizes of the blocks on U's diagonal.

    Parameters
    ----------
    W : (H, H) array

    Returns
    -------
    Q : (H, H) array
        Orthogonal.
    U : (H, H) array
        Blocks on the diagonal, zeros below them: one number for a real eigenvalue, and ``[[a, b], [c, a]]`` with
        b > 0 > c for a conjugate pair.
    sizes : list of int
        1 or 2 for each block.

    Examples
    --------
    >>> W = np.random.default_rng(0).normal(size=(5, 5))
    >>> Q, U, sizes = schur(W)
    >>> np.allclose(Q @ U @ Q.T, W), np.allclose(Q @ Q.T, np.eye(5)), sum(sizes)
    (True, True, 5)
    """
    H = len(W)
    Q, U, sizes = np.eye(H), np.array(W, float), []
    while (start := sum(sizes)) < H:
        values, vectors = np.linalg.eig(U[start:, start:])
        n = int(np.argmax(np.abs(values) + 1e-9 * (values.imag >= 0)))
        vector = vectors[:, n]
        real = abs(values[n].imag) <= 1e-12 * max(1, abs(values[n]))
        basis = vector.real[:, None] if real else np.stack([vector.real, vector.imag], axis=1)
        turn, _ = np.linalg.qr(basis, mode="complete")
        size = basis.shape[1]
        if size == 2:  # equal numbers on the block's diagonal: half-way between the axes of its symmetric part
            block = turn[:, :2].T @ U[start:, start:] @ turn[:, :2]
            turn[:, :2] = turn[:, :2] @ np.linalg.eigh(block + block.T)[1] @ [[0.5**0.5, -(0.5**0.5)], [0.5**0.5] * 2]
            if turn[:, 0] @ U[start:, start:] @ turn[:, 1] < 0:
                turn[:, 1] *= -1
        U[:, start:] = U[:, start:] @ turn
        U[start:, :] = turn.T @ U[start:, :]
        U[start + size :, start : start + size] = 0
        Q[:, start:] = Q[:, start:] @ turn
        sizes.append(size)
    return Q, U, sizes


_SIZES = [2, 2, 1, 1]
_RNG = np.random.default_rng(5)
_BASIS = np.linalg.qr(_RNG.normal(size=(6, 6)))[0].round(6)
_X = (0.2 * _RNG.normal(size=(LONGEST, 1))).round(3)
_W_X = _RNG.normal(size=(1, LARGEST)).round(3)


class SpectralLab(Figure):
    """Drag the eigenvalues of W_h, and see how the gradient grows or fades on its way back.

    The network is h_t = φ(x_t W_x + h_{t−1} W_h) with W_h = Q (D + s N) Qᵀ: D holds the eigenvalues, N stands strictly
    above them and changes none, Q is orthogonal. The figure runs it over a fixed input and shows ‖∂h_T/∂h_{T−k}‖, the
    spectral norm of the product of the last k Jacobians, beside its bound (γ‖W_h‖)^k and the line ρ^k.

    Parameters
    ----------
    eigenvalues : str
        ``radius@degrees`` for each conjugate pair and each real eigenvalue, in the order of W_h's blocks; a pair at 0
        or 180 degrees is a real eigenvalue that is there twice.
    nonnormality : float, 0 to 1.5
        s: at 0 the singular values are the moduli of the eigenvalues.
    activation : {"linear", "tanh", "sigmoid", "relu"}
        φ; its slope is at most γ = 1, 1, ¼, 1.
    T : int, 5 to 60
        Length of the sequence.
    k : int, 0 to 60
        The distance at which the norm is read off.
    basis, coupling, shear, sizes : lists
        Q (H, H); N (H, H); for each block √(−b/c) of its ``[[a, b], [c, a]]``, 1 for a normal one; its size, 1 or 2.
    W_x, x : lists
        (1, H) and (60, 1): how the input comes in, and the input.

    Examples
    --------
    >>> figure = SpectralLab(nonnormality=0)
    >>> figure
    SpectralLab(T=40, activation='tanh', eigenvalues='0.9@20,0.85@60,0.8@0,0.7@180', k=5, nonnormality=0.0)
    >>> np.linalg.svd(figure.matrix, compute_uv=False).round(2)
    array([0.9 , 0.9 , 0.85, 0.85, 0.8 , 0.7 ])
    """

    title = traitlets.Unicode("Eigenvalues below 1: can the gradient still grow?").tag(sync=True)
    fallback = (
        "It shows the eigenvalues of a recurrent weight matrix in the complex plane, its singular values, and the "
        "measured norm of ∂h_T/∂h_{T−k} over the distance k. The eigenvalues lie inside the unit circle, yet the norm "
        "first grows, since the largest singular value is above 1; only in the long run it fades as the eigenvalues say."
    )

    eigenvalues = Eigenvalues("0.9@20,0.85@60,0.8@0,0.7@180").tag(sync=True, control=True)
    nonnormality = traitlets.Float(1.0, min=0, max=1.5).tag(sync=True, control=True)
    activation = traitlets.Enum(ACTIVATIONS, "tanh").tag(sync=True, control=True)
    T = traitlets.Int(40, min=5, max=LONGEST).tag(sync=True, control=True)
    k = traitlets.Int(5, min=0, max=LONGEST).tag(sync=True, control=True)
    basis = traitlets.List(_BASIS.tolist()).tag(sync=True)
    coupling = traitlets.List((0.8 * chain(_SIZES)).tolist()).tag(sync=True)
    shear = traitlets.List([1.0] * 4).tag(sync=True)
    sizes = traitlets.List(_SIZES).tag(sync=True)
    W_x = traitlets.List(_W_X[:, :6].tolist()).tag(sync=True)
    x = traitlets.List(_X.tolist()).tag(sync=True)

    @traitlets.validate("eigenvalues")
    def _as_many_as_blocks(self, proposal: Any) -> str:
        given = len(polar(proposal["value"]))
        if given != len(self.sizes):
            raise traitlets.TraitError(f"eigenvalues: expected {len(self.sizes)} of them, got {given}")
        return proposal["value"]

    @classmethod
    def of(cls, W: ArrayLike | RNN, **traits: Any) -> SpectralLab:
        """The figure for a matrix of your own.

        Parameters
        ----------
        W : (H, H) array or RNN
            2 to 8 units; of a cell its W_h, W_x (if it has one input) and activation.

        Raises
        ------
        ValueError
            If W is not such a matrix of finite numbers, or has an eigenvalue above 3.

        Examples
        --------
        >>> W = np.array([[0.5, 2], [-0.3, 0.5]])
        >>> np.allclose(SpectralLab.of(W).matrix, W)
        True
        """
        if isinstance(W, RNN):
            if W.activation.name in ACTIVATIONS:
                traits = {"activation": W.activation.name, **traits}
            if W.input_size == 1:
                traits = {"W_x": W.params["W_x"].tolist(), **traits}
            W = W.params["W_h"]
        W = np.asarray(W, float)
        if W.ndim != 2 or len(W) != W.shape[1] or not 2 <= len(W) <= LARGEST or not np.isfinite(W).all():
            raise ValueError(f"W: expected a square matrix of finite numbers with 2 to 8 rows, got shape {W.shape}")
        Q, U, sizes = schur(W)
        starts = np.cumsum([0, *sizes])[:-1]
        blocks = [U[i : i + size, i : i + size] for i, size in zip(starts, sizes, strict=True)]
        coupling = U.copy()
        for i, size in zip(starts, sizes, strict=True):
            coupling[i : i + size, i : i + size] = 0
        values = [complex(b[0, 0], 0 if len(b) == 1 else np.sqrt(-b[0, 1] * b[1, 0])) for b in blocks]
        if max(np.abs(values)) > 3:
            raise ValueError(f"W: expected eigenvalues of at most 3, got {max(np.abs(values)):.3g}")
        own = {
            "eigenvalues": ",".join(f"{abs(v):.10f}@{abs(np.degrees(np.angle(v))):.10f}" for v in values),
            "basis": Q.tolist(),
            "coupling": coupling.tolist(),
            "shear": [1.0 if len(b) == 1 else float(np.sqrt(-b[0, 1] / b[1, 0])) for b in blocks],
            "sizes": sizes,
            "W_x": _W_X[:, : len(W)].tolist(),
        }
        return cls(**{**own, **traits})

    @property
    def matrix(self) -> Array:
        """W_h (H, H) as the figure shows it now."""
        D, start = np.zeros_like(self.basis), 0
        for (r, degrees), size, shear in zip(polar(self.eigenvalues), self.sizes, self.shear, strict=True):
            a, b = r * np.cos(np.radians(degrees)), r * np.sin(np.radians(degrees))
            ratio = shear**self.nonnormality
            D[start : start + size, start : start + size] = [[a]] if size == 1 else [[a, b * ratio], [-b / ratio, a]]
            start += size
        Q = np.array(self.basis)
        return Q @ (D + self.nonnormality * np.array(self.coupling)) @ Q.T
