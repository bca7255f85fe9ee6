"""Trains --steps x --epochs steps as bench.perf would time them and saves the variables: a process of bench/proof.py.

  python -m bench.final_variables --steps=100 --epochs=1 --variables_out=FILE.npz [training flags]
"""

import json

import numpy as np
from absl import flags as absl_flags

from lenet import flags
from lenet import platforms
from lenet.support import entry
from lenet.support import files
from lenet.support import stack
from lenet.support.flag_parsing import define_path

FLAGS = absl_flags.FLAGS


def main() -> None:
    params = flags.read()
    params = flags.complete(params, platforms.resolve(params.platform))
    with stack.importing():
        from bench import bench_flags
        from bench import stepping
        from lenet.checks import ready
        from lenet.data import dataset
    ready.require(params)
    data = dataset.open_for(params, params.num_classes)
    with stepping.open_stepper(params, platforms.choose(params).start(), data) as stepper:
        stepper.calls(bench_flags.timed_steps(params))
        variables = stepper.variables()
    with files.replacing(FLAGS.variables_out, 'wb') as stream:
        np.savez(stream, **variables)
    print(json.dumps({'variables': len(variables)}))


if __name__ == '__main__':
    flags.define()
    define_path('variables_out', None, 'The .npz file to write.', required=True)
    absl_flags.adopt_module_key_flags(flags)
    entry.run(main)
