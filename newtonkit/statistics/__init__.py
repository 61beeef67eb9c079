"""What a minimum says of the population behind the data: standard errors, Wald tables, AIC and BIC."""

from newtonkit.statistics.front import inference
from newtonkit.statistics.record import Inference

__all__ = ["Inference", "inference"]
