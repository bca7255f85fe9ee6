"""Statistics of timings: percentiles over calls, spreads over rounds, bootstrap intervals of ratios."""

from typing import Dict, Sequence, Tuple

import numpy as np

BOOTSTRAP_DRAWS = 10000


def percentile(values: Sequence[float], percent: float) -> float:
    """The value at position (n - 1) * percent / 100 of the n sorted values, interpolated linearly between its
    neighbours (Hyndman & Fan 1996, Am. Stat. 50:361, definition 7)."""
    return float(np.percentile(values, percent))


def ms_per_step(seconds: Sequence[float], steps_per_call: int) -> Dict[str, float]:
    """Milliseconds of a step: mean, median, 90th and 99th percentile over calls.

    Args:
      seconds: of each call.
      steps_per_call: N; a call's time over N is one sample, so that the spread inside a call does not show.
    """
    samples = 1e3 * np.asarray(seconds) / steps_per_call
    return {'mean': float(np.mean(samples)), 'median': percentile(samples, 50), 'p90': percentile(samples, 90),
            'p99': percentile(samples, 99)}


def of_rounds(values: Sequence[float]) -> Dict[str, object]:
    """Median, minimum and maximum over rounds, and the rounds themselves."""
    return {'median': float(np.median(values)), 'min': float(min(values)), 'max': float(max(values)),
            'rounds': [float(value) for value in values]}


def bootstrap_interval(values: Sequence[float], seed: int = 1) -> Tuple[float, float]:
    """The 95 % percentile bootstrap interval of a median (Efron 1979, Ann. Stat. 7:1).

    The n values are drawn n times with replacement, BOOTSTRAP_DRAWS times over; the interval goes from the 2.5th to the
    97.5th percentile of the medians of these draws. It cannot leave the range of the values: with fewer than 6 of them
    the whole range has a lower level than 95 % (at n the range misses the median with probability 2**(1-n)).
    """
    draws = np.random.RandomState(seed).randint(len(values), size=(BOOTSTRAP_DRAWS, len(values)))
    medians = np.median(np.asarray(values)[draws], axis=1)
    return percentile(medians, 2.5), percentile(medians, 97.5)


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Dict[str, object]:
    """The ratio of two contenders measured in the same rounds.

    Returns:
      median: of the ratios numerator / denominator of each round, which share what the machine did in that round;
      interval_95: bootstrap_interval of these; rounds: the ratios.
    """
    ratios = [n / d for n, d in zip(numerators, denominators)]
    return {'median': float(np.median(ratios)), 'interval_95': list(bootstrap_interval(ratios)), 'rounds': ratios}
