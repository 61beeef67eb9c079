"""Pictures: each function draws into the matplotlib Axes it is given, or into new ones, and returns them.

- :func:`convergence` shows how a solve went; ``result.plot()`` is the same;
- :func:`predictions` shows what a model predicts against its target;
- :func:`leverage` shows which rows a sample of the Hessian is made of;
- :func:`frontier` shows what a softmax gives up in fit for a gain in entropy.

Comparisons and performance profiles draw themselves, by ``plot``.  Everything needs the
extra ``plot``.  Colours are told apart in grey and by colour-blind readers, and never alone:
markers and dashes say the same.
"""

from newtonkit.plots.fits import predictions
from newtonkit.plots.frontiers import frontier
from newtonkit.plots.scores import leverage
from newtonkit.plots.solves import convergence

__all__ = ["convergence", "frontier", "leverage", "predictions"]
