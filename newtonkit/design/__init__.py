"""Design matrices: the ground on which everything else stands."""

from newtonkit.design.base import Design, FloatArray, IntArray
from newtonkit.design.door import as_design
from newtonkit.design.kronecker import KroneckerDesign
from newtonkit.design.threads import get_num_threads, map_blocks, one_blas_thread, set_num_threads

__all__ = [
    "Design",
    "FloatArray",
    "IntArray",
    "KroneckerDesign",
    "as_design",
    "get_num_threads",
    "map_blocks",
    "one_blas_thread",
    "set_num_threads",
]
