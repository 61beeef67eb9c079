"""Smooth textbook problems with exact derivatives: the set on which the method of SciPy is judged."""

from tests.textbook.chains import CHAINS
from tests.textbook.fits import FITS
from tests.textbook.problem import Textbook, is_minimum
from tests.textbook.small import SMALL

__all__ = ["PROBLEMS", "Textbook", "is_minimum"]

PROBLEMS: dict[str, Textbook] = {problem.name: problem for problem in (*SMALL, *FITS, *CHAINS)}
