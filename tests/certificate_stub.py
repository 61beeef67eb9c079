"""A certificate that says the same of every point, for tests of what is made of certificates."""

from types import SimpleNamespace


def stub(inside=True, steps=99, papers=99):
    """Return a certificate that says the same of every point."""
    return SimpleNamespace(
        in_contraction_region=inside,
        attainable=0.0,
        steps=lambda *_, **__: steps,
        paper_steps=lambda _: papers,
    )
