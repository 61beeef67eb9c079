"""Pictures of the methods: attention as a Kronecker product, leverage scores, convergence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import newtonkit as nk
from newtonkit.manual.landscapes import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_attention(figure: Figure) -> None:
    """Draw the shares that were asked for beside those of the fitted attention.

    Parameters
    ----------
    figure : Figure
        An empty figure.
    """
    rng = np.random.default_rng(0)
    queries, keys = rng.normal(size=(12, 3)), rng.normal(size=(20, 3))
    scores = queries @ rng.normal(size=(3, 3)) @ keys.T
    wanted = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    problem = nk.SoftmaxRegression(
        nk.design.KroneckerDesign(queries, keys), wanted.ravel(), groups=np.repeat(np.arange(12), 20)
    )
    start = problem.predict(np.zeros(9))
    fitted = problem.predict(nk.minimize(problem).x)
    panels = figure.subplots(1, 3, sharey=True)
    titles = ("Wanted", "At x = 0", "At the minimum")
    for axes, title, shares in zip(panels, titles, (wanted, start, fitted), strict=True):
        image = axes.imshow(np.reshape(shares, (12, 20)), cmap="Blues", vmin=0.0, vmax=0.6, aspect="auto")
        axes.set(title=title, xlabel="key")
    panels[0].set_ylabel("query")
    figure.colorbar(image, ax=list(panels), label="share of the attention")


def draw_plots(figure: Figure) -> None:
    """Draw two of the pictures that a user can have.

    Parameters
    ----------
    figure : Figure
        An empty figure.
    """
    problem = nk.datasets.diabetes_exp()
    result = nk.minimize(problem)
    left, right = figure.subplots(1, 2)
    nk.plots.convergence(result, ax=left)
    nk.plots.predictions(problem, result.x, ax=right)


def draw_scores(figure: Figure) -> None:
    """Draw leverage scores, and how many of the rows a sample keeps.

    Parameters
    ----------
    figure : Figure
        An empty figure.
    """
    rng = np.random.default_rng(0)
    A = rng.normal(size=(200, 2)) * np.array([1.0, 0.25])
    A[:8] *= 5.0
    scores = nk.sketching.leverage_scores(A, method="exact")
    kept = nk.sketching.sparsify(A, np.ones(len(A)), epsilon=0.5, delta=0.2, rng=0).indices
    left, right = figure.subplots(1, 2)
    left.scatter(*A.T, s=6 + 900 * scores, color=BLUE, alpha=0.45, linewidths=0)
    left.set(title="Rows, as large as their score", xlabel="first column", ylabel="second column")
    ranked = np.argsort(-scores)
    right.plot(scores[ranked], color=GREY, label="leverage score")
    place = np.flatnonzero(np.isin(ranked, kept))
    right.plot(place, scores[ranked][place], "|", color=ORANGE, markersize=9, label="in the sample")
    right.set(title=f"{len(kept)} of 200 rows are kept", xlabel="rows by their score", yscale="log")
    right.legend()


def draw_passes(figure: Figure) -> None:
    """Draw the gradient against iterations and passes, for the three methods.

    Parameters
    ----------
    figure : Figure
        An empty figure.
    """
    problem = nk.datasets.make_planted("softmax", 20_000, 40, condition=1e3, rng=0).problem
    left, right = figure.subplots(1, 2, sharey=True)
    runs = (
        ("exact", BLUE, "o-", nk.minimize(problem, method="exact")),
        ("sketched", ORANGE, "s--", nk.minimize(problem, method="sketched", rng=0)),
        ("sampled, ε = 0.5", "#009E73", "^:", nk.minimize(problem, method="sampled", epsilon=0.5, rng=0)),
    )
    for method, colour, look, result in runs:
        history = result.history
        norms = np.array([record.gradient_norm for record in history])
        for axes, places in (
            (left, [record.iteration for record in history]),
            (right, [record.passes for record in history]),
        ):
            axes.semilogy(places, norms / norms[0], look, color=colour, markersize=4, label=method)
    left.set(xlabel="iterations", ylabel="|g| / |g₀|")
    right.set(xlabel="sweeps over the data")
    right.legend()
