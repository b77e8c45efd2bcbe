# SPDX-License-Identifier: GPL-2.0-or-later
"""One figure: what was measured, beside what it is compared with, and what it has to reach."""
import statistics
from dataclasses import dataclass, field

import goals


class NotHere(RuntimeError):
    """What a group of figures needs is not on this machine."""


@dataclass
class Figure:
    name: str
    value: float
    unit: str
    n: int
    least: float
    most: float
    baseline: str
    baseline_value: float = None
    samples: list = field(default_factory=list, repr=False)
    baseline_samples: list = field(default_factory=list, repr=False)

    @property
    def ratio(self):
        return round(self.value / self.baseline_value, 3) if self.baseline_value else None

    @property
    def goal(self):
        """In words, or None."""
        return goals.words(self.name)

    @property
    def met(self):
        """Whether it is reached; None where there is none, or nothing to compare with."""
        return goals.met(self)

    def record(self):
        return {"name": self.name, "value": round(self.value, 4), "unit": self.unit,
                "baseline": self.baseline, "ratio": self.ratio, "n": self.n,
                "baseline_value": self.baseline_value and round(self.baseline_value, 4),
                "min": round(self.least, 4), "max": round(self.most, 4),
                "goal": self.goal, "met": self.met}


def spread(name, samples, unit, baseline, baseline_samples=()):
    """The median of samples beside that of the baseline."""
    if not samples:
        raise RuntimeError(f"{name}: nothing was measured")
    return Figure(name, statistics.median(samples), unit, len(samples), min(samples), max(samples),
                  baseline, statistics.median(baseline_samples) if baseline_samples else None,
                  list(samples), list(baseline_samples))


def median(name, samples, unit, baseline, baseline_samples):
    """The same, and the maximum as a figure of its own."""
    samples, baseline_samples = list(samples), list(baseline_samples)
    middle = spread(f"{name}_median", samples, unit, baseline, baseline_samples)
    worst = Figure(f"{name}_max", max(samples), unit, middle.n, middle.least, middle.most, baseline,
                   max(baseline_samples) if baseline_samples else None)
    return [middle, worst]


def single(name, value, unit, baseline, baseline_value):
    return Figure(name, value, unit, 1, value, value, baseline, baseline_value)
