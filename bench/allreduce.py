"""What it costs to average gradients over ranks, and what that lets one expect of more of them.

  ./run_np.sh -n 2 -m bench.allreduce                    on this machine
  ./run_np.sh -n 2 -m bench.allreduce --step_ms=2.8      with the step of one rank, as bench.perf measures it

Times the very average of training, in the same loop of N per session.run, for buffers of several sizes, and fits

  t(n, S) = (n - 1) a + (2 (n - 1) / n) S / b

to them: a the latency of one exchange between two ranks, b the bandwidth in bytes/s; the second term is the ring
all-reduce's (Patarasuk & Yuan 2009, J. Parallel Distrib. Comput. 69:117), the first a ring whose 2 (n - 1) messages
follow one another. With --step_ms, c ms without ranks, it prints the step c + t(n, S) and the efficiency c / (c + t) of
n ranks that keep their batch size, for this network's S. That is a plan, not a measurement: it holds for n = the ranks
it was measured on, and elsewhere as far as the network between the machines is like the one here.
"""

import time
from typing import Any, List, Tuple

import numpy as np
from absl import flags as absl_flags

from bench import text
from lenet import flags
from lenet import platforms
from lenet.support import entry
from lenet.support import machine
from lenet.support import stack

with stack.importing():
    import tensorflow.compat.v1 as tf

    from lenet.graph import loop
    from lenet.graph import model
    from lenet.platforms.base import Platform

FLAGS = absl_flags.FLAGS
SIZES = (1, 1000, 10000, 107786, 300000, 1000000)  # floats; 107,786 are this network's gradients
PLANNED = (2, 4, 8, 16, 32, 64)  # ranks
_CALLS = 7  # session.runs timed a size, after two of warm-up
_BYTES = 4  # of a float


def main() -> None:
    params = flags.complete(flags.read(), 'cpu')
    platform = platforms.choose(params).start()
    measured = [(size, time_average(platform, size, params.iterations_per_loop)) for size in SIZES]
    if platform.ranks.rank == 0:
        print('\n'.join(lines(measured, platform.ranks.size, FLAGS.step_ms)))


def time_average(platform: Platform, size: int, n: int) -> float:
    """Milliseconds to average float32 [size] over the ranks: the median over calls of N averages each."""
    with tf.Graph().as_default(), platform.session() as session, platform.ranks.explaining():
        buffer = tf.get_variable('buffer', initializer=np.ones(size, np.float32), use_resource=True)

        def average(unused_number: Any) -> tf.Operation:
            return buffer.assign(platform.ranks.mean(tf.identity(buffer.read_value(), 'sum_%d' % size)),
                                 read_value=False)

        averages = loop.repeat(average, n)
        session.run(tf.global_variables_initializer())
        times = []
        for _ in range(2 + _CALLS):
            began = time.perf_counter()
            session.run(averages)
            times.append(time.perf_counter() - began)
    return 1e3 * float(np.median(times[2:])) / n


def fit(measured: List[Tuple[int, float]], ranks: int) -> Tuple[float, float]:
    """a in ms and b in bytes/ms of the formula above: least squares of the relative errors."""
    sizes, times = (np.array(column, np.float64) for column in zip(*measured))
    factors = np.stack([np.full_like(sizes, ranks - 1), 2 * (ranks - 1) / ranks * _BYTES * sizes], axis=1)
    (latency, per_byte), *_ = np.linalg.lstsq(factors / times[:, None], np.ones_like(times), rcond=None)
    return float(latency), float(1 / per_byte)


def predict(latency: float, bandwidth: float, ranks: int, size: int) -> float:
    """t(n, S) in ms for `size` floats."""
    return (ranks - 1) * latency + 2 * (ranks - 1) / ranks * _BYTES * size / bandwidth


def lines(measured: List[Tuple[int, float]], ranks: int, step_ms: float) -> List[str]:
    """The report as it is printed."""
    latency, bandwidth = fit(measured, ranks)
    rows = [[str(size), '%.3f' % ms, '%.3f' % predict(latency, bandwidth, ranks, size)] for size, ms in measured]
    report = text.table(['floats', 'ms, %d ranks' % ranks, 'fit'], rows)
    report += ['', 'a = %.3f ms, b = %.2f GB/s; %s, %d ranks here' %
               (latency, bandwidth * 1e3 / 1e9, machine.cpu_model(), ranks)]
    if step_ms:
        size = sum(int(np.prod(shape)) for shape in model.variable_shapes().values())
        plan = [(n, predict(latency, bandwidth, n, size)) for n in PLANNED]
        report += ['', 'planned for %d gradients and a step of %g ms on one rank:' % (size, step_ms)]
        report += text.table(['ranks', 'average ms', 'step ms', 'efficiency'],
                             [[str(n), '%.2f' % ms, '%.2f' % (step_ms + ms), '%.2f' % (step_ms / (step_ms + ms))]
                              for n, ms in plan])
    return report


if __name__ == '__main__':
    flags.define()
    absl_flags.DEFINE_float('step_ms', 0, 'Milliseconds of a step on one rank, for the plan; 0: no plan.', 0, 1e6)
    absl_flags.adopt_module_key_flags(flags)
    entry.run(main)
