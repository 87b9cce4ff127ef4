"""Coverage of 95 % intervals over all shares of the seeds in the variance, by integration.

    PYTHONPATH=scripts python tests/benchmarks/coverage.py

The table of docs/statistics.md. Errors are normal; a share of the variance of a mean is that of the
seeds and known by seeds - 1 degrees of freedom, the rest is known.
"""

import numpy as np
from scipy import stats

from convstudy.statistics.intervals import EXPONENT

SHARES = np.concatenate([[0, 0.01, 0.02], np.arange(0.05, 1, 0.05), [0.97, 0.98, 0.99, 1]])
QUANTILES = (np.arange(20000) + 0.5) / 20000
NORMAL = stats.norm.ppf(0.975)


def weighted(exponent: float):
    """Critical values whose squares are weighted by the share of the seeds to this power."""

    def critical(found: np.ndarray, degrees: int) -> np.ndarray:
        student = stats.t.ppf(0.975, degrees)
        return np.sqrt(NORMAL**2 + found**exponent * (student**2 - NORMAL**2))

    return critical


def satterthwaite(found: np.ndarray, degrees: int) -> np.ndarray:
    return stats.t.ppf(0.975, np.minimum(degrees / np.maximum(found, 1e-9) ** 2, 1e7))


def coverage(critical, share: float, degrees: int) -> float:
    seeds = share * stats.chi2.ppf(QUANTILES, degrees) / degrees
    variance = seeds + 1 - share
    values = critical(seeds / variance, degrees)
    return float(np.mean(2 * stats.norm.cdf(values * np.sqrt(variance)) - 1))


METHODS = {"this": weighted(EXPONENT), "exponent 1": weighted(1), "Satterthwaite": satterthwaite}

if __name__ == "__main__":
    for seeds in (2, 3, 5, 10):
        for name, critical in METHODS.items():
            found = [100 * coverage(critical, share, seeds - 1) for share in SHARES]
            print(f"{seeds} seeds, {name}: {min(found):.1f} to {max(found):.1f} %")
