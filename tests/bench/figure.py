# SPDX-License-Identifier: GPL-2.0-or-later
"""One figure: what was measured, beside what it is compared with."""
import statistics
from dataclasses import dataclass


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

    @property
    def ratio(self):
        return round(self.value / self.baseline_value, 3) if self.baseline_value else None

    def record(self):
        return {"name": self.name, "value": round(self.value, 4), "unit": self.unit,
                "baseline": self.baseline, "ratio": self.ratio, "n": self.n,
                "baseline_value": self.baseline_value and round(self.baseline_value, 4)}


def median(name, samples, unit, baseline, baseline_samples):
    """The median of samples beside that of the baseline, and the maximum as a figure of its own."""
    base = statistics.median(baseline_samples) if baseline_samples else None
    worst = max(baseline_samples) if baseline_samples else None
    if not samples:
        raise RuntimeError(f"{name}: nothing was measured")
    common = {"unit": unit, "n": len(samples), "least": min(samples), "most": max(samples),
              "baseline": baseline}
    return [Figure(f"{name}_median", statistics.median(samples), baseline_value=base, **common),
            Figure(f"{name}_max", max(samples), baseline_value=worst, **common)]


def single(name, value, unit, baseline, baseline_value):
    return Figure(name, value, unit, 1, value, value, baseline, baseline_value)
