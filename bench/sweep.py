"""One flag measured at several values, on one or several counts of cores, each point in processes of its own."""

import itertools
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from bench import bench_flags
from bench import children
from bench import proof
from bench import spread
from bench import text
from lenet import flags
from lenet.errors import UsageError
from lenet.flags import Params
from lenet.support import machine
from lenet.support import modules

DEFAULT_ROUNDS = 3


class Point(NamedTuple):
    """One cell of the table."""

    value: str  # of the swept flag
    cores: Optional[int]  # None: all
    params: Params  # flags.Params, as read
    warmup: Optional[int]  # steps

    @property
    def command(self) -> List[str]:
        added = [] if self.cores is None else ['--cores=%d' % self.cores]
        added += [] if self.warmup is None else ['--warmup=%d' % self.warmup]
        return modules.command('bench.perf', ['--noconstant_input', '--format=json'] + flags.to_lines(self.params) +
                               added)


def make_points(swept: str, core_counts: List[int], params: Params, warmup: Optional[int]) -> List[Point]:
    """The points of --sweep=`swept`, each known to be measurable.

    Args:
      core_counts: --cores, empty for all.
      params: as read; each point decides for itself what is left open.

    Raises:
      UsageError: a flag that cannot be swept, a value that it does not take, or rules that a point breaks.
    """
    name, values = split(swept)
    for count in core_counts:
        bench_flags.check_cores(count)
    points = []
    for count, value in itertools.product(core_counts or [None], values):
        points.append(Point(value, count, bench_flags.add(params, ['--%s=%s' % (name, value)], warmup), warmup))
    return points


def split(swept: str) -> Tuple[str, List[str]]:
    """The flag and the values of FLAG=VALUE,VALUE,….

    Raises:
      UsageError: it has another form, the flag cannot be swept, or there are not at least two different values.
    """
    name, _, listed = swept.partition('=')
    name = flags.ALIASES.get(name, name)
    if name not in proof.KINDS:
        raise UsageError('--sweep=%s: FLAG=VALUE,VALUE,… with one of %s is needed' % (swept, ', '.join(proof.KINDS)))
    values = [value.strip() for value in listed.split(',')]
    if len(set(values)) < 2 or len(set(values)) < len(values):
        raise UsageError('--sweep=%s: at least two values, all different, are needed' % swept)
    return name, values


def run(name: str, points: List[Point], rounds: int, say: Callable[[str], None]) -> Dict[str, Any]:
    """Proves that the points compute the same, then measures them in turn.

    Returns:
      The report: flag, proof, points with their runs, machine.

    Raises:
      UserError: two points that must end in the same variables do not, or a measurement failed.
    """
    load_before = os.getloadavg()
    proven = proof.prove(name, [(point.value, point.params) for point in points])
    say('proof: ' + proven)
    runs: List[List[Dict[str, Any]]] = [[] for _ in points]
    for number in range(rounds):
        for point, so_far in zip(points, runs):
            so_far.append(children.run(point.command, label(name, point)))
            say('round %d of %d: %s %.0f images/s' % (number + 1, rounds, label(name, point),
                                                     so_far[-1]['images_per_second']))
    return {'flag': name, 'proof': proven, 'rounds': rounds,
            'points': [summary(point, its_runs) for point, its_runs in zip(points, runs)],
            'machine': dict(machine.describe(), load_average_before=list(load_before),
                            load_average_after=list(os.getloadavg()))}


def label(name: str, point: Point) -> str:
    return '--%s=%s' % (name, point.value) + ('' if point.cores is None else ' --cores=%d' % point.cores)


def summary(point: Point, runs: List[Dict[str, Any]]) -> Dict[str, Any]:
    """One point of the report; every statistic is over the rounds."""
    return {'value': point.value, 'cores': point.cores or machine.usable_cores(),
            'images_per_second': spread.of_rounds([run['images_per_second'] for run in runs]),
            'ms_per_step': spread.of_rounds([run['ms_per_step']['mean'] for run in runs]),
            'first_call_seconds': spread.of_rounds([run['first_call_seconds'] for run in runs]),
            'peak_rss_mb': spread.of_rounds([run['peak_rss_mb'] for run in runs]), 'runs': runs}


def lines(report: Dict[str, Any]) -> List[str]:
    """The report as it is printed."""
    rows = [[point['value'], str(point['cores']), text.spread(point['images_per_second']),
             text.spread(point['ms_per_step'], '%.2f'), '%.2f' % point['first_call_seconds']['median'],
             '%.0f' % point['peak_rss_mb']['median']] for point in report['points']]
    heads = ['--' + report['flag'], 'cores', 'images/s: median (min-max)', 'ms/step', 'first call s', 'peak MB']
    return [''] + text.table(heads, rows) + ['', 'machine: ' + text.machine(report['machine'])]
