"""Certificates: proofs that a minimiser is near, and how fast Newton's method comes to it."""

from newtonkit.certificates.certificate import Certificate
from newtonkit.certificates.prover import certify, unproven

__all__ = ["Certificate", "certify", "unproven"]
