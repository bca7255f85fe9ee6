"""That the points of a sweep compute the same thing: they train for the same number of steps and end in the same
variables, each in a process of its own."""

import math
import os
from functools import reduce
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from bench import children
from lenet import flags
from lenet import platforms
from lenet.errors import UserError, one_line
from lenet.flags import Params
from lenet.support import files
from lenet.support import modules
from lenet.support import scratch

# What a flag may change in the variables: nothing; roundings, for sums in another order; everything.
EXACT, ROUNDING, INCOMPARABLE = 'bit for bit', 'within rounding', 'not comparable'
KINDS = {'iterations_per_loop': EXACT, 'input': EXACT, 'replicas': ROUNDING, 'conv': ROUNDING,
         'batch_size': INCOMPARABLE}

FLOAT32_MODES = ('must_keep_origin_dtype', 'force_fp32')

MIN_STEPS = 20  # of an exact proof: every variable has moved, whatever N
# Of a proof within rounding: roundings grow with every step, because Adam divides small differences by small gradients,
# until after some dozens of steps they look like errors.
ROUNDING_STEPS = 5
# Of the largest magnitude in a variable. After 5 steps on MNIST roundings came to 2e-5 at most, over seeds and
# activations; a learning rate wrong by 1 % makes 1e-2.
TOLERANCE = 2e-4
_LARGEST = 2 ** 30  # bytes of all variables


class Difference(NamedTuple):
    """Where two sets of variables are furthest apart."""

    name: str
    relative: float  # max |a - b| / max |a| over the variable's elements; 0 where every byte agrees


def prove(name: str, points: List[Tuple[str, Any]]) -> str:
    """Trains each point and compares their variables with the first's.

    Args:
      name: the swept flag, a key of KINDS.
      points: its values, and the flags.Params of each as read; equal values are trained once.

    Returns:
      What was proven, in a sentence.

    Raises:
      UserError: two points differ where they must not.
    """
    kind, distinct = KINDS[name], dict(points)
    if kind == INCOMPARABLE:
        return '--%s changes what is computed: the points are not comparable and were not compared' % name
    completed = [flags.complete(params, platforms.resolve(params.platform)) for params in distinct.values()]
    if kind == ROUNDING and any(params.precision_mode not in FLOAT32_MODES for params in completed):
        return '--precision_mode rounds to float16: the points were not compared'
    if kind == ROUNDING:
        distinct = {value: params._replace(iterations_per_loop=ROUNDING_STEPS) for value, params in distinct.items()}
    steps = ROUNDING_STEPS if kind == ROUNDING else common_steps([params.iterations_per_loop for params in completed])
    with scratch.system_directory('lenet-bench') as directory:
        variables = {value: final_variables(params, steps, os.path.join(directory, value))
                     for value, params in distinct.items()}
    return verdict(name, steps, variables, 0.0 if kind == EXACT else TOLERANCE)


def verdict(name: str, steps: int, variables: Dict[str, Dict[str, np.ndarray]], tolerance: float) -> str:
    """Compares each value's variables with the first's; see `prove` for what is returned and raised."""
    (first, expected), *others = variables.items()
    worst = Difference('none', 0.0)
    for value, trained in others:
        difference = compare(expected, trained)
        if difference.relative > tolerance:
            raise UserError('--%s: after %d steps %s differs between %s and %s by %.2g of its largest element, more '
                            'than %.2g' % (name, steps, difference.name, first, value, difference.relative, tolerance))
        worst = max(worst, difference, key=lambda item: item.relative)
    if not tolerance:
        return 'after %d steps all points have the same %d variables, bit for bit' % (steps, len(expected))
    return ('after %d steps the variables of all points agree: the furthest apart, %s, by %.2g of its largest element, '
            'tolerated are %.2g' % (steps, worst.name, worst.relative, tolerance))


def common_steps(ns: Sequence[int]) -> int:
    """The smallest number of steps, at least MIN_STEPS, that every N divides."""
    multiple = reduce(lambda a, b: a * b // math.gcd(a, b), ns)
    return multiple * -(-MIN_STEPS // multiple)


def final_variables(params: Params, steps: int, path: str) -> Dict[str, np.ndarray]:
    """Trains `steps` steps in a process of its own; every variable that a checkpoint would hold, by name."""
    shortened = params._replace(steps=steps, epochs=1, warmup_steps=min(params.warmup_steps, steps))
    children.run(modules.command('bench.final_variables', ['--variables_out=' + path] + flags.to_lines(shortened)),
                 'proof')
    return load(path)


def load(path: str) -> Dict[str, np.ndarray]:
    """The arrays of an .npz file by name; UserError if it is none."""
    with files.opening(path, _LARGEST) as stream:
        try:
            with np.load(stream) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except Exception as error:  # damage leads the zip module into errors of many kinds
            raise UserError('%s: is no .npz file, or a damaged one (%s); measure again' % (path, one_line(error)))


def compare(a: Dict[str, np.ndarray], b: Dict[str, np.ndarray]) -> Difference:
    """The variable in which `a` and `b` differ most; one that only one of them has, or that is not finite, counts as
    infinitely different unless its bytes agree."""
    differences = [Difference(name, _difference(a.get(name), b.get(name))) for name in sorted(set(a) | set(b))]
    return max(differences, key=lambda difference: difference.relative)


def _difference(a: Optional[np.ndarray], b: Optional[np.ndarray]) -> float:
    if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
        return math.inf
    if a.tobytes() == b.tobytes():
        return 0.0
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    apart, size = np.max(np.abs(wide_a - wide_b)), np.max(np.abs(wide_a))
    relative = apart / size if size else math.inf
    return float(max(relative, np.finfo(np.float64).tiny)) if np.isfinite(relative) else math.inf
