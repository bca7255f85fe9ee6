"""Sets training's speed beside that of other programs, in one run on one machine.

  python -m bench.compare --contenders=ours,reference --rounds=5 --steps=1000
  python -m bench.compare --contenders=ours,reference,pytorch --peer_python=/path/of/python --steps=1000
  python -m bench.compare --contenders='ours,N1=ours:--iterations_per_loop=1' --steps=1000
  python -m bench.compare --contenders=ours_whole,reference --steps=1000 --epochs=5

Each measurement is a process of its own, in turn: A B A B …, so that what else the machine does falls on all alike. For
each contender the median, minimum and maximum over the rounds are reported, and for the first against each other one

  ratio = median over rounds of (images/s of the first / images/s of the other, both of that round)

with the 95 % percentile bootstrap interval of that median: bench/spread.py has the formula. Compared are images/s over
--steps x --epochs steps after the warm-up, input included. Contenders:

  ours               the step of `python -m lenet.train` with the flags given here, timed by bench.perf
  ours_peer          the same under --peer_python, such as the other stack's .venv/bin/python or .venv-tf2/bin/python
  ours_whole         ./run_1p.sh itself, warm: its steps over all of its wall time, with start, evaluations, files
  ours_2ranks        the step of 2 ranks of --batch_size on this machine, as `./run_np.sh -n 2` starts them;
                     ours_4ranks: of 4
  reference          the ModelZoo reference's loop (bench/reference_loop.py); reference_summary: with its summary
  pytorch            the same network and batches in eager PyTorch under --peer_python; pytorch_channels_last: with
                     that memory layout; pytorch_compiled: through torch.compile
  jax                the same in JAX, jitted, under --peer_python
  keras              the same in Keras on a current TensorFlow under --peer_python

--readme puts the table into README.md and its translation, in the place of the one below the comment that names this
command.

All flags of training go to the contenders called ours…; the others take --batch_size, --steps, --epochs, --warmup,
--learning_rate, --seed and the data.
"""

import os
from typing import Any, Dict, List, Optional

import numpy as np
from absl import flags as absl_flags

from bench import bench_flags
from bench import contenders
from bench import readme
from bench import spread
from bench import text
from lenet import flags
from lenet.data import dataset
from lenet.flags import Params
from lenet.support import entry
from lenet.support import files
from lenet.support import machine
from lenet.support import scratch

FLAGS = absl_flags.FLAGS
DEFAULT_ROUNDS = 5

Runs = List[List[Dict[str, Any]]]  # the reports [contender][round]


def main() -> None:
    bench_flags.check(FLAGS)
    bench_flags.restrict_cores(FLAGS)  # the contenders inherit it
    compared = contenders.parse(FLAGS.contenders)
    params = flags.read()
    check_ours(params, compared, FLAGS.warmup)
    contenders.check_peers(compared, FLAGS.peer_python)
    documents = readme.DOCUMENTS if FLAGS.readme else []
    readme.check(documents)
    load_before = os.getloadavg()
    report = summarize(compared, _measure(params, compared))
    report['machine'] = dict(machine.describe(), load_average_before=list(load_before),
                             load_average_after=list(os.getloadavg()))
    if FLAGS.json_out:
        files.write_json(FLAGS.json_out, report)
    for path in documents:
        readme.write(path, report)
    print('\n'.join(lines(report)))


def _measure(params: Params, compared: List[contenders.Contender]) -> Runs:
    with scratch.system_directory('lenet-bench') as directory:
        data_file = os.path.join(directory, 'training.npz')
        if any(contenders.needs_data_file(contender) for contender in compared):
            write_data(params, data_file)
        commands = [contenders.command(contender, params, FLAGS.warmup, data_file, FLAGS.peer_python)
                    for contender in compared]
        return run_rounds(compared, commands, FLAGS.rounds or DEFAULT_ROUNDS)


def check_ours(params: Params, compared: List[contenders.Contender], warmup: Optional[int]) -> None:
    """Raises:
      UsageError: as the contender's own process would, but before anything is measured.
    """
    for contender in compared:
        if contender.kind.startswith('ours') and contender.kind != 'ours_whole':
            bench_flags.add(params, contender.flags, warmup)


def write_data(params: Params, path: str) -> None:
    """The training images for the contenders that cannot read MNIST's own files."""
    train = dataset.open_for(params, params.num_classes).train
    np.savez(path, images=train.images, labels=train.labels)


def run_rounds(compared: List[contenders.Contender], commands: List[List[str]], rounds: int) -> Runs:
    """Measures all contenders, `rounds` times over."""
    runs: Runs = [[] for _ in compared]
    for number in range(rounds):
        for contender, command, reports_so_far in zip(compared, commands, runs):
            reports_so_far.append(contenders.measure(contender, command))
            print('round %d of %d: %s %.0f images/s' % (number + 1, rounds, contender.label,
                                                       reports_so_far[-1]['images_per_second']), flush=True)
    return runs


def summarize(compared: List[contenders.Contender], runs: Runs) -> Dict[str, Any]:
    """The report: per contender its rates and runs, and the first's ratio to each other one."""
    rates = [[run['images_per_second'] for run in its_runs] for its_runs in runs]
    return {
        'contenders': [{'label': contender.label, 'kind': contender.kind, 'flags': contender.flags,
                        'images_per_second': spread.of_rounds(its_rates), 'runs': its_runs}
                       for contender, its_rates, its_runs in zip(compared, rates, runs)],
        'ratios': [dict(spread.ratio(rates[0], other), numerator=compared[0].label, denominator=contender.label)
                   for contender, other in zip(compared[1:], rates[1:])],
    }


def lines(report: Dict[str, Any]) -> List[str]:
    """The report as it is printed."""
    rows = []
    for contender in report['contenders']:
        last = contender['runs'][-1]
        rows.append([contender['label'], text.spread(contender['images_per_second']), str(last['steps']),
                     '%.1f' % np.median([run['seconds'] for run in contender['runs']]),
                     text.number(last['final_loss']), '%.0f' % last['peak_rss_mb'], last['software'], last['how']])
    table = text.table(['contender', 'images/s: median (min-max)', 'steps', 'seconds', 'final loss', 'peak MB',
                        'software', 'how'], rows)
    ratios = ['%s / %s: %.2f times the images/s, 95 %% interval %.2f to %.2f; %.2f of the time' %
              (ratio['numerator'], ratio['denominator'], ratio['median'], ratio['interval_95'][0],
               ratio['interval_95'][1], 1 / ratio['median']) for ratio in report['ratios']]
    return [''] + table + [''] + ratios + ['machine: ' + text.machine(report['machine'])]


if __name__ == '__main__':
    bench_flags.define_compare()
    absl_flags.adopt_module_key_flags(flags)
    absl_flags.adopt_module_key_flags(bench_flags)
    entry.run(main)
