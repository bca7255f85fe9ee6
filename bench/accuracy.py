"""Trains the same flags from several seeds, each in a process of its own: how accurate a recipe is, and how surely.

  python -m bench.accuracy --flagfile=accurate.flags                  seeds 1 to 5, one after the other
  python -m bench.accuracy --flagfile=accurate.flags --at_once=2      two at a time, each on its share of the cores

Training's flags mean what they mean there; the first seed is --seed. Writes nothing but --json_out and --keep. Exit
statuses: 0 done, 1 failed, 2 wrong command line.
"""

import concurrent.futures
import functools
import os
import queue
from typing import Any, Callable, Dict, List, Optional

import numpy as np
from absl import flags as absl_flags

from bench import bench_flags
from bench import children
from bench import text
from lenet import flags
from lenet import platforms
from lenet.errors import UsageError
from lenet.flags import Params
from lenet.run import run_directory
from lenet.support import entry
from lenet.support import files
from lenet.support import machine
from lenet.support import modules
from lenet.support import scratch

FLAGS = absl_flags.FLAGS


def main() -> None:
    bench_flags.check(FLAGS)
    params = flags.read()
    shares = share_cores(FLAGS.at_once)
    check(flags.complete(params, platforms.resolve(params.platform)), FLAGS.seeds)
    seeds = list(range(params.seed, params.seed + FLAGS.seeds))
    with scratch.system_directory('lenet-bench') as temporary:
        directory = temporary if FLAGS.keep is None else files.make_directory(FLAGS.keep)
        report = measure(params, seeds, directory, shares, functools.partial(print, flush=True))
    print('\n'.join(lines(report)))
    if FLAGS.json_out is not None:
        files.write_json(FLAGS.json_out, report)


def check(params: Params, seeds: int) -> None:
    """Raises:
      UsageError: completed `params` leave nothing to compare.
    """
    if not params.evaluate:
        raise UsageError('--noevaluate leaves no accuracy to report: leave it out')
    if params.resume:
        raise UsageError('--resume is of one run, bench.accuracy starts new ones: leave it out')
    if params.seed + seeds - 1 > flags.MAX_SEED:
        raise UsageError('--seed=%d and --seeds=%d: seeds go to %d' % (params.seed, seeds, flags.MAX_SEED))


def share_cores(at_once: int) -> List[List[int]]:
    """The usable cores in `at_once` equal parts; one part without numbers where there is nothing to divide.

    Raises:
      UsageError: there are fewer cores than parts, or processes cannot be restricted to some.
    """
    if at_once == 1:
        return [[]]
    if not hasattr(os, 'sched_setaffinity'):
        raise UsageError('--at_once=%d: this system cannot restrict a process to some cores; leave it out' % at_once)
    if at_once > machine.usable_cores():
        raise UsageError('--at_once=%d: %d cores can be used here' % (at_once, machine.usable_cores()))
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // at_once
    return [cores[i * each:(i + 1) * each] for i in range(at_once)]


def measure(params: Params, seeds: List[int], directory: str, shares: List[List[int]],
            say: Callable[[str], None]) -> Dict[str, Any]:
    """Trains every seed, as many at a time as there are shares of the cores.

    Args:
      params: as read; each training decides for itself what is left open.
      directory: each seed's run goes to the folder seed_<seed> of it.
      say: is called with a line for each seed that is done.

    Returns:
      What --json_out holds.

    Raises:
      UserError: a training failed.
    """
    free: 'queue.Queue[List[int]]' = queue.Queue()
    for share in shares:
        free.put(share)

    def work(seed: int) -> Dict[str, Any]:
        result = train(params, seed, os.path.join(directory, 'seed_%d' % seed))
        say('seed %d: %d of %d right, %.1f s' % (seed, result['correct'], result['images'], result['seconds']))
        return result

    with concurrent.futures.ThreadPoolExecutor(len(shares), initializer=lambda: pin(free.get())) as pool:
        waiting = [pool.submit(work, seed) for seed in seeds]
        try:
            return summarize([future.result() for future in waiting], params)
        finally:  # after a failure no further one is started
            for future in waiting:
                future.cancel()


def pin(cores: List[int]) -> None:
    """From now on this thread, and so every process that it starts, runs on `cores` alone, if there are any."""
    if cores:
        os.sched_setaffinity(0, cores)


def train(params: Params, seed: int, output_dir: str) -> Dict[str, Any]:
    """Trains to the end in a process of its own; its result, from results.json."""
    lines_of_flags = flags.to_lines(params._replace(seed=seed, output_dir=output_dir))
    children.finish(modules.command('lenet.train', lines_of_flags), 'seed %d' % seed)
    ended = files.read_json(os.path.join(output_dir, run_directory.RESULTS), run_directory.LARGEST)
    return {'seed': seed, 'accuracy': ended['evaluation']['accuracy'], 'correct': ended['evaluation']['correct'],
            'images': ended['evaluation']['images'], 'seconds': ended['wall_seconds']['total'],
            'steps': ended['steps']['steps_run'], 'ms_per_step': ended['throughput']['ms_per_step'],
            'replicas': ended['flags']['replicas'], 'versions': ended['versions']}


def summarize(ends: List[Dict[str, Any]], params: Params) -> Dict[str, Any]:
    """Mean and standard deviation over the seeds (of a sample: n - 1; None for one seed), each seed, circumstances."""
    accuracies = [result['accuracy'] for result in ends]
    deviation: Optional[float] = float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None
    return {'mean': float(np.mean(accuracies)), 'standard_deviation': deviation, 'min': min(accuracies),
            'max': max(accuracies), 'mean_seconds': float(np.mean([result['seconds'] for result in ends])),
            'seeds': ends, 'flags': params._asdict(), 'machine': machine.describe(),
            'versions': ends[0]['versions']}


def lines(report: Dict[str, Any]) -> List[str]:
    """The report as a terminal shows it."""
    rows = [[str(one['seed']), '%.4f' % one['accuracy'], '%d of %d' % (one['correct'], one['images']),
             '%.1f' % one['seconds'], '%.2f' % one['ms_per_step']] for one in report['seeds']]
    deviation = report['standard_deviation']
    return text.table(['seed', 'accuracy', 'right', 'wall s', 'ms/step'], rows) + [
        '', 'accuracy over %d seeds: mean %.4f, standard deviation %s, %.4f to %.4f; %.1f s each' %
        (len(rows), report['mean'], 'unknown' if deviation is None else '%.4f' % deviation, report['min'],
         report['max'], report['mean_seconds']),
        'machine: %s, %d usable cores, TensorFlow %s' % (report['machine']['cpu'], report['machine']['usable_cores'],
                                                         report['versions']['tensorflow'])]


if __name__ == '__main__':
    bench_flags.define_accuracy()
    absl_flags.adopt_module_key_flags(flags)
    absl_flags.adopt_module_key_flags(bench_flags)
    entry.run(main)
