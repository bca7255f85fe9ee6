"""What makes a measurement worth its name: rules between the flags of a timed run."""

from typing import Any, Optional

from lenet.errors import UsageError

MIN_CALLS = 5  # fewer say nothing about a spread
WARMUP_CALLS = 2  # by default: the first compiles, the second finds caches and allocator cold


def timed_steps(params: Any) -> int:
    """How many steps are timed: as long as the run that the training flags describe."""
    return params.steps * params.epochs


def warmup_steps(params: Any, asked: Optional[int]) -> int:
    """The steps that are run and discarded first.

    Args:
      params: a completed flags.Params; that N divides the timed steps is checked there.
      asked: --warmup, None for the default.

    Raises:
      UsageError: too few calls would be timed, or the warm-up is no shorter than what it precedes.
    """
    n, steps = params.iterations_per_loop, timed_steps(params)
    run = '--steps=%d x --epochs=%d' % (params.steps, params.epochs)
    if steps < MIN_CALLS * n:
        raise UsageError('%s is %d calls of --iterations_per_loop=%d: at least %d are timed, use --steps=%d or a '
                         'smaller --iterations_per_loop' % (run, steps // n, n, MIN_CALLS, MIN_CALLS * n))
    warmup = WARMUP_CALLS * n if asked is None else asked
    if warmup % n:
        raise UsageError('--warmup=%d is not a multiple of --iterations_per_loop=%d: use --warmup=%d' %
                         (warmup, n, n * -(-warmup // n)))
    if warmup >= steps:
        raise UsageError('--warmup=%d is not below %s, the steps that are timed: use more --steps' % (warmup, run))
    return warmup
