"""Times a whole `./run_1p.sh` from its start to its end: the contender ours_whole of bench.compare.

Set-up is done once before the clock starts. Prints one line of JSON; the run's files go to a temporary directory.
"""

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any, Dict, List

from lenet.errors import MISFORMED, UserError, one_line
from lenet.run import run_directory
from lenet.support import files
from lenet.support import modules
from lenet.support import scratch

LAUNCHER = os.path.join(modules.ROOT, 'run_1p.sh')
_BENCH_FLAGS = ('--warmup=',)  # a whole run has none


def main(arguments: List[str]) -> None:
    passed = [argument for argument in arguments if not argument.startswith(_BENCH_FLAGS)]
    launch(['--help'])
    with scratch.system_directory('lenet-bench') as directory:
        began = time.perf_counter()
        launch(passed + ['--output_dir=' + directory])
        seconds = time.perf_counter() - began
        try:
            print(json.dumps(read(os.path.join(directory, run_directory.RESULTS), seconds)))
        except UserError as error:
            sys.exit('error: %s' % error)


def launch(arguments: List[str]) -> None:
    """Runs run_1p.sh to its end under this interpreter; leaves with its last line of stderr if it fails."""
    ended = subprocess.run([LAUNCHER] + arguments, env=dict(os.environ, PYTHON=sys.executable), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True)
    if ended.returncode:
        sys.exit('run_1p.sh: %s' % (ended.stderr.strip().splitlines() or ['status %d' % ended.returncode])[-1])


def read(path: str, seconds: float) -> Dict[str, Any]:
    """The report of a run's results.json.

    Raises:
      UserError: it cannot be read, or tells nothing of a run.
    """
    try:
        return report(files.read_json(path, run_directory.LARGEST), seconds)
    except MISFORMED as error:
        raise UserError('%s: is not of a run (%s: %s)' % (path, type(error).__name__, one_line(error)))


def report(results: Dict[str, Any], seconds: float) -> Dict[str, Any]:
    """The line of a contender, from the run's results.json and its wall time."""
    steps = results['steps']['steps_run']
    images = steps * results['flags']['batch_size'] * results['rank_size']
    return {'images_per_second': images / seconds, 'ms_per_step': 1e3 * seconds / steps, 'steps': steps,
            'warmup_steps': 0, 'seconds': seconds, 'final_loss': results['steps']['loss'],
            'accuracy': (results['evaluation'] or {}).get('accuracy'),
            'peak_rss_mb': resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6,  # from KiB
            'software': 'TensorFlow ' + results['versions']['tensorflow'], 'how': 'run_1p.sh from start to end'}


if __name__ == '__main__':
    main(sys.argv[1:])
