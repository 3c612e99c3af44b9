"""SpectralLab and ClippingCliff: their Python side, and what their pages compute against NumPy and rnnlib."""

import numpy as np
import pytest
import traitlets
from figure_page import call

from rnnlib.bptt import jacobian_norms, unroll
from rnnlib.cells import RNN
from rnnlib.figures import ClippingCliff, SpectralLab
from rnnlib.figures.base import HERE, bundle
from rnnlib.figures.spectral_lab import ACTIVATIONS, chain, polar, schur

SPECTRUM = "m.spectrum({ get: (name) => argument[name] })"


def norms_of(figure: SpectralLab) -> np.ndarray:
    """‖∂h_T/∂h_{T−k}‖ for k = 0 … T − 1 by the library, of the network that the figure shows."""
    H = len(figure.matrix)
    cell = RNN(1, H, rng=np.random.default_rng(0), activation=figure.activation, use_bias=False)
    cell.params["W_x"][...], cell.params["W_h"][...] = figure.W_x, figure.matrix
    return jacobian_norms(unroll(cell, np.array(figure.x)[: figure.T, None]))[::-1]


# ---------------------------------------------------------------------------------------------- SpectralLab


@pytest.mark.parametrize("seed", range(8))
def test_schur_form_is_one(seed):
    rng = np.random.default_rng(seed)
    H = int(rng.integers(2, 9))
    W = rng.normal(size=(H, H))
    Q, U, sizes = schur(W)
    np.testing.assert_allclose(Q @ U @ Q.T, W, atol=1e-10)
    np.testing.assert_allclose(Q.T @ Q, np.eye(H), atol=1e-12)
    assert sum(sizes) == H
    for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        assert not U[start + size :, start : start + size].any()
        block = U[start : start + size, start : start + size]
        if size == 2:
            assert block[0, 0] == pytest.approx(block[1, 1]) and block[0, 1] > 0 > block[1, 0]


def test_schur_form_of_matrices_with_too_few_eigenvectors():
    for W in (np.eye(4), np.diag([1.0, 1, 1], k=1), np.zeros((3, 3)), np.tri(5)):
        Q, U, _ = schur(W)
        np.testing.assert_allclose(Q @ U @ Q.T, W, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_a_matrix_of_ones_own_is_shown_as_it_is(blank, seed):
    rng = np.random.default_rng(seed)
    H = int(rng.integers(2, 9))
    W = rng.normal(scale=0.9 / np.sqrt(H), size=(H, H))
    figure = SpectralLab.of(W, T=20)
    np.testing.assert_allclose(figure.matrix, W, atol=1e-8)
    got = call(blank, bundle("SpectralLab"), SPECTRUM, figure.state())
    np.testing.assert_allclose(np.reshape(got["W"], (H, H)), W, atol=1e-8)
    np.testing.assert_allclose(got["sigma"], np.linalg.svd(W, compute_uv=False), atol=1e-8)
    assert got["rho"] == pytest.approx(np.abs(np.linalg.eigvals(W)).max(), abs=1e-8)
    expected = norms_of(figure)
    np.testing.assert_allclose(got["norms"][: len(expected)], expected, rtol=1e-6, atol=1e-6)


def test_a_cell_brings_its_weights_and_its_activation():
    cell = RNN(1, 4, rng=np.random.default_rng(3), activation="relu")
    figure = SpectralLab.of(cell)
    assert (figure.activation, figure.W_x) == ("relu", cell.params["W_x"].tolist())
    np.testing.assert_allclose(figure.matrix, cell.params["W_h"], atol=1e-8)
    assert SpectralLab.of(RNN(3, 4, rng=np.random.default_rng(3)), activation="linear").activation == "linear"


@pytest.mark.parametrize("W", [np.eye(9), np.eye(1), np.ones((2, 3)), np.full((2, 2), np.nan), [1, 2]])
def test_matrices_that_cannot_be_shown_are_refused(W):
    with pytest.raises(ValueError, match="W: expected a square matrix of finite numbers with 2 to 8 rows, got"):
        SpectralLab.of(W)
    with pytest.raises(ValueError, match="W: expected eigenvalues of at most 3, got 4"):
        SpectralLab.of(4 * np.eye(3))


@pytest.mark.parametrize("text", ["", "0.9", "0.9@200", "4@0", "0.9@20,", "0.9@20;0.5@10", "−0.5@3"])
def test_eigenvalues_that_are_none_are_refused(text):
    with pytest.raises(traitlets.TraitError, match="eigenvalues: expected radius@degrees"):
        SpectralLab(eigenvalues=text)


def test_number_of_eigenvalues_is_that_of_the_matrix():
    with pytest.raises(traitlets.TraitError, match="eigenvalues: expected 4 of them, got 1"):
        SpectralLab(eigenvalues="0.9@20")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("nonnormality", [0, 0.55, 1.5])
def test_spectral_lab_computes_the_norms_of_the_library(blank, activation, nonnormality):
    values = "0.97@33,0.6@0,0.4@180,0.7@180"
    figure = SpectralLab(eigenvalues=values, nonnormality=nonnormality, activation=activation, T=37)
    got = call(blank, bundle("SpectralLab"), SPECTRUM, figure.state())
    np.testing.assert_allclose(got["W"], figure.matrix.ravel(), atol=1e-12)
    expected = norms_of(figure)
    assert len(got["norms"]) == 38 and got["norms"][0] == 1
    np.testing.assert_allclose(got["norms"][:37], expected, rtol=1e-6, atol=0)
    bound = (got["gamma"] * got["sigma"][0]) ** np.arange(38)
    assert (np.array(got["norms"]) <= bound * (1 + 1e-12)).all()
    wanted = sorted(r for r, _ in polar(values) for _ in "12")  # two pairs, and the real ones once
    moduli = np.sort(np.abs(np.linalg.eigvals(figure.matrix)))
    np.testing.assert_allclose(moduli, sorted([0.97, 0.97, 0.6, 0.6, 0.4, 0.7]), atol=1e-4)
    assert set(np.round(moduli, 3)) <= set(wanted)


def test_default_state_answers_the_question():
    """All eigenvalues are inside the circle, and the norm grows before it fades."""
    figure = SpectralLab()
    assert np.abs(np.linalg.eigvals(figure.matrix)).max() == pytest.approx(0.9)
    norms = norms_of(figure)
    assert figure.k == norms.argmax() == 5
    assert norms.max() == pytest.approx(3.40, abs=0.01) and norms[-1] < 0.01


def test_chain_leaves_the_eigenvalues_alone():
    coupling = chain([2, 1, 2])
    assert not np.tril(coupling).any() and not coupling[0, 1] and not coupling[3, 4]


@pytest.mark.parametrize("seed", range(4))
def test_singular_values_are_numpys(blank, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    A = rng.normal(size=(n, n)) * 10.0 ** rng.integers(-6, 6, size=(n, 1))
    if seed == 3:
        A[:, 0] = 0
    source = (HERE / "linear.js").read_text(encoding="utf8")
    got = call(blank, source, "m.singularValues(argument[0], argument[1])", [A.ravel().tolist(), n])
    expected = np.linalg.svd(A, compute_uv=False)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12 * expected[0])


# ---------------------------------------------------------------------------------------------- ClippingCliff

DESCENT = """(() => {
    const { clip, ...options } = argument;
    return m.descend(options, clip).map(({ w, b, L, norm }) => [w, b, L, norm]);
})()"""
STARTS = [(1.8, -0.5, 20, 0.5, 0.5), (0.4, 0.9, 10, 1.5, 0.2), (2.7, 0.3, 50, 0.1, 1.0), (1.2, 0.05, 30, 0.3, 0.05)]


@pytest.mark.parametrize("clip", [None, "norm", "value"])
@pytest.mark.parametrize(("w", "b", "T", "rate", "threshold"), STARTS)
def test_descent_is_that_of_the_library(blank, w, b, T, rate, threshold, clip):
    figure = ClippingCliff(w=w, b=b, T=T, rate=rate, threshold=threshold)
    options = {"w": w, "b": b, "T": T, "rate": rate, "threshold": threshold, "clip": clip or "none"}
    got = call(blank, bundle("ClippingCliff"), DESCENT, options)
    expected = figure.path(clip)
    np.testing.assert_allclose(got[0], expected[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("T", [10, 20, 50])
def test_loss_and_gradient_are_those_of_finite_differences(blank, T):
    points = [(1.8, -0.5), (1.24, 0.0), (0.5, 0.7), (2.5, 0.3)]
    expression = (
        "argument.points.map(([w, b]) => { const { L, dw, db } = m.loss(w, b, argument.T); return [L, dw, db]; })"
    )
    got = call(blank, bundle("ClippingCliff"), expression, {"points": points, "T": T})
    for (w, b), (L, dw, db) in zip(points, got, strict=True):
        assert pytest.approx(loss(w, b, T), abs=1e-12) == L
        assert (loss(w + 1e-6, b, T) - loss(w - 1e-6, b, T)) / 2e-6 == pytest.approx(dw, abs=1e-6)
        assert (loss(w, b + 1e-6, T) - loss(w, b - 1e-6, T)) / 2e-6 == pytest.approx(db, abs=1e-6)


def loss(w: float, b: float, T: int) -> float:
    """The loss, written down once more: the state of a bit, step by step."""
    total = 0.0
    for bit in (1, -1):
        h = np.tanh(bit + b)
        for _ in range(T - 1):
            h = np.tanh(w * h + b)
        total += 0.5 * (h - 0.7 * bit) ** 2 / 2
    return float(total)


def test_map_is_the_loss_on_a_grid(blank):
    columns, rows, T = 7, 5, 20
    expression = """(() => {
        const job = m.surface([0.2, 3.2], 1.1, argument.columns, argument.rows, argument.T);
        let next = job.next();
        while (!next.done) next = job.next();
        return [...next.value];
    })()"""
    got = call(blank, bundle("ClippingCliff"), expression, {"columns": columns, "rows": rows, "T": T})
    expected = [loss(w, b, T) for b in np.linspace(-1.1, 1.1, rows) for w in np.linspace(0.2, 3.2, columns)]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_outlines_enclose_what_is_above_the_level(blank):
    """The area inside the rings by the shoelace formula: a cone cut at a height is a disc."""
    columns, rows = 81, 61
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    cone = 20 - np.hypot(x - 40, y - 30)
    source = (HERE / "contour.js").read_text(encoding="utf8")
    expression = "m.region(argument[0], 81, 61, argument[1], (c, r) => [c, r])"
    for values, level, expected in (
        (cone, 0, np.pi * 20**2),
        (cone, -1000, 80 * 60),  # all of it: the frame
        (-cone, 0, 80 * 60 - np.pi * 20**2),  # with a hole
        (cone, 30, 0),
    ):
        rings = call(blank, source, expression, [values.ravel().tolist(), level]).split("Z")[:-1]
        area = 0.0
        for ring in rings:
            px, py = np.array([point.split(",") for point in ring[1:].split("L")], float).T
            area += 0.5 * (np.dot(px, np.roll(py, -1)) - np.dot(py, np.roll(px, -1)))
        assert abs(area) == pytest.approx(expected, rel=3e-3)


def test_default_state_of_the_cliff_answers_the_question():
    figure = ClippingCliff()
    free, kept, cut = (figure.path(clip) for clip in (None, "norm", "value"))
    jumps = np.hypot(*np.diff(free[:, :2], axis=0).T)
    assert jumps.argmax() == 7 and jumps.max() == pytest.approx(26.9, abs=0.05)
    assert free[7, 3] == pytest.approx(53.8, abs=0.05)
    assert free[-1, 2] == pytest.approx(0.745, abs=5e-4)
    assert kept[-1, 2] < 1e-6 and cut[-1, 2] < 1e-6


def test_clipping_by_norm_keeps_the_direction_and_by_value_does_not(blank):
    expression = "['norm', 'value'].map((kind) => m.clipped({ dw: 3, db: 0.2 }, kind, 0.5))"
    norm, value = call(blank, bundle("ClippingCliff"), expression, None)
    np.testing.assert_allclose(norm, 0.5 * np.array([3, 0.2]) / np.hypot(3, 0.2))
    np.testing.assert_allclose(value, [0.5, 0.2])
