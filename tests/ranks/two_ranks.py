"""Two real ranks on this machine, started as a user starts them, and what they leave."""

import json

import numpy as np

from lenet.run import checkpoint
from tests import processes

# Few steps: among the 25,000 pooling windows of a step some tie to within a rounding, and from the first that is
# decided otherwise the weights of the first layer drift apart, by 1e-5 to 1e-4 in 80 steps.
RUN = ('--data_path=synthetic', '--steps=10', '--epochs=2', '--iterations_per_loop=5', '--log_every=5')


def launch(output_dir, *arguments, n=2, **environment):
    return processes.run_module('lenet.launch', '-n', str(n), *RUN, '--replicas=1', '--output_dir=%s' % output_dir,
                                *arguments, **environment)


def alone(output_dir, *arguments):
    """One rank of two towers, whose sums are then rounded as those of two ranks of one."""
    return processes.run_module('lenet.train', *RUN, '--replicas=2', '--output_dir=%s' % output_dir, *arguments)


def losses(output_dir):
    path, = output_dir.glob('0/train_*_loss.txt')
    return np.loadtxt(str(path))


def newest(output_dir):
    return checkpoint.read(checkpoint.find_all(str(output_dir))[-1])


def metrics(output_dir, kind):
    lines = [json.loads(line) for line in (output_dir / 'metrics.jsonl').read_text().splitlines()]
    return [line for line in lines if line['kind'] == kind]


def assert_same_variables(one, other, tolerance=1e-5):
    assert set(one) == set(other)
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=0, atol=tolerance * max(1, np.abs(value).max()),
                                   err_msg=name)
