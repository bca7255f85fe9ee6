"""What the page shows of runs, as plain values for its template and its script; no I/O.

Runs are damaged, stopped and old ones as well: whatever is missing is left out, and said where a reader would miss it.
"""

import base64
import os
import shlex
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np

from lenet.data.splits import Split
from lenet.errors import MISFORMED
from lenet.export.trained import Trained
from lenet.graph import model
from lenet.report import records
from lenet.report.records import Run
from lenet.run import loss_scale_history
from lenet.run import run_directory

CURVES = (('train', 'loss', 'Training loss', True), ('evaluation', 'accuracy', 'Test accuracy', False),
          ('train', 'learning_rate', 'Learning rate', False),
          ('train', 'images_per_second', 'Images per second', False),
          ('train', 'loss_scale', 'Loss scale', True), ('train', 'updates_skipped', 'Skipped updates', False))
POINTS = 1000  # of a curve; a page shows no more
DAMAGE = MISFORMED + (MemoryError,)  # where records of another form lead
WITHOUT_DEFAULT = ('output_dir',)  # flags that differ between any two runs and say nothing


class Shown(NamedTuple):
    """All that a page shows."""

    runs: List[Dict[str, Any]]
    charts: List[Dict[str, Any]]
    differences: List[Dict[str, Any]]

    def for_template(self) -> Dict[str, Any]:
        return dict(self._asdict(), can_draw=any(run['network'] for run in self.runs))

    def for_script(self) -> Dict[str, Any]:
        names = ('ledger', 'network', 'mistakes', 'least_sure', 'confusion')
        return {'charts': self.charts, 'runs': [{name: run[name] for name in names} for run in self.runs]}


def describe(runs: List[Run]) -> Shown:
    """
    Raises:
      DAMAGE: records hold something else than this program writes.
    """
    return Shown([_describe_run(run) for run in runs], _charts(runs), _differences(runs) if len(runs) > 1 else [])


def _describe_run(run: Run) -> Dict[str, Any]:
    results = run.results
    evaluation = results.get('evaluation') or {}
    examples = results.get('examples') or {}
    mistakes, least_sure = examples.get('misclassified', []), examples.get('least_sure', [])
    test, why = run.test, ''
    if test is None and mistakes:
        why = 'Their images are not shown, see above.'
    elif test is not None and not records.fits(test, mistakes + least_sure):
        test, why = None, 'Their images are not shown: the test images are no longer those of this run.'
    return {
        'name': os.path.normpath(run.directory), 'evaluation': evaluation or None,
        'why_not_evaluated': 'The run was not evaluated at its end.' if results else 'The run did not end.',
        'sentences': _sentences(results) + run.missing,
        'confusion': evaluation.get('confusion', []), 'classes': list(range(len(evaluation.get('confusion', [])))),
        'recall': ['–' if recall is None else '%.4f' % recall for recall in evaluation.get('recall', [])],
        'mistakes': [_example(test, mistake) for mistake in mistakes],
        'least_sure': [_example(test, example) for example in least_sure], 'without_images': why,
        'network': _network(run.network), 'loss_scale': _loss_scale(run.records),
        'ledger': [(name, seconds) for name, seconds in results.get('wall_seconds', {}).items()
                   if name != 'total' and seconds > 0],
        'command': _command(run), 'flags': list(results.get('flags', {}).items()),
    }


def _sentences(results: Dict[str, Any]) -> List[str]:
    """What was run, on what."""
    if not results:
        return []
    data, machine, versions, throughput = (results[name] for name in ('data', 'machine', 'versions', 'throughput'))
    return ['%s, %d of %d steps in %.1f s, %.0f images/s' %
            (results['ended'], results['steps']['steps_run'],
             results['flags']['steps'] * results['flags']['epochs'], results['wall_seconds']['total'],
             throughput['images_per_second']),
            'Data: %s, %d training images, %d test images; seed %d' %
            (data['source'], data['training_images'], data['test_images'], results['flags']['seed']),
            'TensorFlow %s, Python %s, %s, %d rank(s)' %
            (versions['tensorflow'], versions['python'], results['platform'], results['rank_size']),
            'Machine: ' + ', '.join('%s %s' % (name.replace('_', ' '), value) for name, value in machine.items()
                                    if name != 'python' and not isinstance(value, (dict, list)))]


def _loss_scale(records_of_run: List[Dict[str, Any]]) -> List[str]:
    windows = loss_scale_history.windows_of(records_of_run)
    return loss_scale_history.lines(windows) if windows else []


def _command(run: Run) -> str:
    """flags.txt holds all that a run was started with, and repeats it."""
    ranks = run.results.get('rank_size', 1)
    script = './run_1p.sh' if ranks == 1 else './run_np.sh -n %d' % ranks
    return '%s --flagfile=%s' % (script, shlex.quote(os.path.join(run.directory, run_directory.FLAGS)))


def _example(test: Optional[Split], example: Dict[str, Any]) -> Dict[str, Any]:
    if test is None:
        return example
    pixels = np.ascontiguousarray(test.images[example['index']], np.uint8)
    return dict(example, image=base64.b64encode(pixels.tobytes()).decode())


def _network(network: Optional[Trained]) -> Optional[Dict[str, Any]]:
    """The weights as the page's script takes them: base64 of little-endian float32."""
    if network is None:
        return None
    weights = {name: base64.b64encode(value.astype('<f4').tobytes()).decode()
               for name, value in network.weights.items()}
    return {'activation': network.activation, 'darkOnLight': network.dark_on_light, 'weights': weights,
            'kernels': model.variable_shapes()['layer_1/weights'][-1]}


def _charts(runs: List[Run]) -> List[Dict[str, Any]]:
    """The curves that any run has points of; those of loss scaling only where it did something."""
    charts = []
    for kind, name, title, is_logarithmic in CURVES:
        lines = [{'run': number, 'points': _points(run, kind, name)} for number, run in enumerate(runs)]
        values = {point[1] for line in lines for point in line['points']}
        if values and (name not in ('loss_scale', 'updates_skipped') or len(values) > 1):
            charts.append({'title': title, 'log': is_logarithmic, 'lines': lines})
    return charts


def _points(run: Run, kind: str, name: str) -> List[List[float]]:
    points = [[record['step'], record[name]] for record in run.records
              if record.get('kind') == kind and isinstance(record.get(name), (int, float))]
    return points[::-(-len(points) // POINTS) or 1]


def _differences(runs: List[Run]) -> List[Dict[str, Any]]:
    """Rows of the table of several runs: results, and the flags that are not alike."""
    def row(name: str, *path: str, form: str = '%s') -> Dict[str, Any]:
        return {'name': name, 'values': [_find(run.results, path, form) for run in runs]}

    rows = [row('accuracy', 'evaluation', 'accuracy', form='%.4f'),
            row('mean loss', 'evaluation', 'mean_loss', form='%.4f'),
            row('images/s', 'throughput', 'images_per_second', form='%.0f'),
            row('seconds', 'wall_seconds', 'total', form='%.1f'),
            row('TensorFlow', 'versions', 'tensorflow')]
    names = sorted({name for run in runs for name in run.results.get('flags', {})} - set(WITHOUT_DEFAULT))
    flags = [row('--' + name, 'flags', name) for name in names]
    return rows + [one for one in flags if len(set(one['values'])) > 1]


def _find(results: Dict[str, Any], path: tuple, form: str) -> str:
    value: Any = results
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return '–' if value is None else form % (value,)
