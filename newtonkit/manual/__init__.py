"""The manual as a site: pages in Markdown, pictures drawn by code, a reference from the docstrings.

``python -m newtonkit.manual FOLDER`` builds it, with the ``manual`` extra, without the network; a
warning of Sphinx is an error.  Nothing of this is imported by ``import newtonkit``.
"""

from newtonkit.manual.site import BuildError, build

__all__ = ["BuildError", "build"]
