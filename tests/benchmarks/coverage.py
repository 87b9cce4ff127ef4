"""Coverage of 95 % intervals over all shares of the seeds in the variance, by integration.

The figures of docs/statistics.md: `python tests/benchmarks/coverage.py`.
"""

import numpy as np
from scipy import stats

from convstudy.statistics import intervals

SHARES = np.concatenate([[0, 0.01, 0.02], np.arange(0.05, 1, 0.05), [0.97, 0.98, 0.99, 1]])
QUANTILES = (np.arange(4000) + 0.5) / 4000
NORMAL = stats.norm.ppf(0.975)


def ours(share: float, degrees: int) -> float:
    return intervals.Estimate(0.0, share, 1 - share, degrees).critical()


def cochran(share: float, degrees: int) -> float:
    return np.sqrt(NORMAL**2 + share * (stats.t.ppf(0.975, degrees) ** 2 - NORMAL**2))


def satterthwaite(share: float, degrees: int) -> float:
    return stats.t.ppf(0.975, min(degrees / max(share, 1e-9) ** 2, 1e7))


def coverage(critical, share: float, degrees: int) -> float:
    seeds = share * stats.chi2.ppf(QUANTILES, degrees) / degrees
    variances = seeds + 1 - share
    values = [critical(s / v, degrees) for s, v in zip(seeds, variances, strict=True)]
    return float(np.mean(2 * stats.norm.cdf(values * np.sqrt(variances)) - 1))


if __name__ == "__main__":
    for seeds in (2, 3, 5, 10):
        for method in (ours, cochran, satterthwaite):
            found = [100 * coverage(method, share, seeds - 1) for share in SHARES]
            print(f"{seeds} seeds, {method.__name__}: {min(found):.1f} to {max(found):.1f} %")
