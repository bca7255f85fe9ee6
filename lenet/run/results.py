"""What a run leaves at its end: results.json, the ModelZoo log, the closing lines."""

import contextlib
import math
import os
import re
from typing import Any, Dict, List, Optional

from lenet.data.splits import Dataset
from lenet.errors import MISFORMED, UserError
from lenet.flags import Params
from lenet.platforms.base import Platform
from lenet.run import run_directory
from lenet.run.account import Throughput
from lenet.support import files
from lenet.support import machine
from lenet.support import stack

FILE = run_directory.RESULTS
SCHEMA = 2  # of results.json; 1, without a number, had no single images
COMPLETED = 'completed'


def case_name(params: Params, size: int) -> str:
    """<Network>_bs<batch>_<ranks>p_acc, or _perf for a run without evaluation."""
    return '%s_bs%d_%dp_%s' % (run_directory.NETWORK, params.batch_size, size, 'acc' if params.evaluate else 'perf')


def log_directory(directory: str) -> str:
    """The ModelZoo's place for a device's logs: a folder named after the device."""
    device = os.environ.get('ASCEND_DEVICE_ID', '')
    return os.path.join(directory, device if device in run_directory.DEVICES else '0')


def loss_file(directory: str, params: Params, size: int) -> str:
    return os.path.join(log_directory(directory), 'train_%s_loss.txt' % case_name(params, size))


def summarize(params: Params, platform: Platform, dataset: Dataset, counts: Dict[str, Any], throughput: Throughput,
              evaluation: Optional[Dict[str, Any]], examples: Optional[Dict[str, Any]], ledger: Dict[str, float],
              ended: str) -> Dict[str, Any]:
    """All that results.json holds.

    Args:
      counts: steps_run, steps_this_run, updates_applied, updates_skipped, loss (of the last step), loss_scale.
      evaluation: accuracy.report of the final weights, None if they were not evaluated.
      examples: mistakes.examples of that evaluation.
      ended: COMPLETED or 'stopped by SIGINT' and the like.
    """
    return {
        'schema': SCHEMA, 'case': case_name(params, platform.ranks.size), 'ended': ended,
        'platform': platform.name, 'device_type': platform.device_type, 'rank_size': platform.ranks.size,
        'data': {'source': dataset.origin, 'synthetic': dataset.synthetic,
                 'dark_on_light': dataset.dark_on_light, 'label_offset': dataset.form.label_offset,
                 'transposed': dataset.form.transposed,
                 'training_images': len(dataset.train.labels), 'test_images': len(dataset.test.labels)},
        'steps': counts,
        'throughput': {'images_per_second': throughput.images_per_second,
                       'ms_per_step': throughput.ms_per_step(params.batch_size * platform.ranks.size),
                       'images': throughput.images, 'seconds': throughput.seconds,
                       'includes_first_call': throughput.includes_first_call},
        'evaluation': evaluation,
        'examples': examples,
        'wall_seconds': ledger,
        'flags': params._asdict(),
        'versions': stack.versions(),
        'machine': machine.describe(),
    }


def write(directory: str, results: Dict[str, Any]) -> None:
    """Writes results.json and, from what is in it, the ModelZoo log."""
    files.write_json(os.path.join(directory, FILE), results)
    logs = files.make_directory(log_directory(directory))
    with files.replacing(os.path.join(logs, results['case'] + '.log')) as stream:
        stream.write(_log_text(results))


def read(directory: str, steps: int) -> Optional[Dict[str, Any]]:
    """What results.json there tells of a run that ended after `steps` steps; None if it is no such file."""
    try:
        results = files.read_json(os.path.join(directory, FILE), run_directory.LARGEST)
        if results['steps']['steps_run'] == steps and re.fullmatch(run_directory.CASE, results['case']):
            _log_text(results)
            closing_lines(results)
            return results
    except (UserError,) + MISFORMED:  # no results
        pass
    return None


def has_log(directory: str, results: Dict[str, Any]) -> bool:
    """Whether the ModelZoo log of `results` is there, of whichever device."""
    for device in run_directory.DEVICES:
        with contextlib.suppress(UserError):
            if files.read(os.path.join(directory, device, results['case'] + '.log'), 1 << 16) == \
                    _log_text(results).encode():
                return True
    return False


def _log_text(results: Dict[str, Any]) -> str:
    return ''.join(line + '\n' for line in _modelzoo_lines(results))


def _accuracy(results: Dict[str, Any]) -> str:
    return '%.4f' % results['evaluation']['accuracy'] if results['evaluation'] else 'not evaluated'


def _modelzoo_lines(results: Dict[str, Any]) -> List[str]:
    throughput, loss = results['throughput'], results['steps']['loss']  # None: NaN or infinite, which JSON has not
    lines = [('Network', run_directory.NETWORK), ('RankSize', results['rank_size']),
             ('BatchSize', results['flags']['batch_size']),
             ('DeviceType', results['device_type']), ('CaseName', results['case']),
             ('ActualFPS', '%.2f' % throughput['images_per_second']),
             ('TrainingTime', '%.4f' % throughput['ms_per_step']),
             ('ActualLoss', 'nan' if loss is None or not math.isfinite(loss) else '%.6f' % loss),
             ('TrainAccuracy', _accuracy(results)),
             ('E2ETrainingTime', '%.2f' % results['wall_seconds']['total'])]
    if results['data']['synthetic']:
        lines.append(('Data', 'synthetic'))
    return ['%s = %s' % line for line in lines]


def closing_lines(results: Dict[str, Any], page: str = '') -> List[str]:
    """The reference's three closing lines, and what they leave open.

    Args:
      page: a few words on where the run's page is, for a terminal.
    """
    throughput, evaluation = results['throughput'], results['evaluation']
    lines = []
    if results['data']['synthetic']:
        lines.append('Data : synthetic digits, not MNIST')
    if evaluation:
        low, high = evaluation['wilson_95']
        # The ModelZoo's scripts look for the line "Final Train Accuracy" and its last word; what it is is said here.
        lines.append('Test images correct : %d of %d, 95 %% interval %.4f to %.4f (what the ModelZoo calls Train '
                     'Accuracy)' %
                     (evaluation['correct'], evaluation['images'], low, high))
    lines.append('Stack : TensorFlow %s, Python %s%s' % (results['versions']['tensorflow'],
                                                         results['versions']['python'], page))
    lines.append('Final Performance images/sec : %.2f%s' %
                 (throughput['images_per_second'],
                  ' (with the first call, there was no other)' if throughput['includes_first_call'] else ''))
    lines.append('Final Performance ms/step : %.4f' % throughput['ms_per_step'])
    lines.append('Final Train Accuracy : %s' % _accuracy(results))
    lines.append('E2E Training Duration sec : %.2f' % results['wall_seconds']['total'])
    return lines
