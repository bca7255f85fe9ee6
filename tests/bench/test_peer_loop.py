import itertools
import json
import os
import subprocess

import numpy as np
import pytest

from bench import children
from bench import contenders
from bench import peer_loop
from tests import trainings

PEER = os.environ.get('LENET_PEER_PYTHON')


def test_an_epoch_visits_every_image_once_and_batches_go_on_across_its_end():
    numbers = np.concatenate(list(itertools.islice(peer_loop.batches(7, 3, seed=1), 14)))
    assert len(numbers) == 42
    for epoch in range(6):
        assert sorted(numbers[7 * epoch:7 * epoch + 7]) == list(range(7))


def test_a_batch_may_be_larger_than_the_data():
    assert len(next(peer_loop.batches(4, 10, seed=1))) == 10


def test_warm_up_is_counted_and_left_out(monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(peer_loop.time, 'perf_counter', lambda: float(next(clock)))
    losses = iter(range(100))
    timing = peer_loop.time_steps(lambda: [next(losses), next(losses)], steps=10, warmup=3, batch_size=8)
    # First call from 0 to 1, timed steps from 2 to 3; two calls of warm-up, because each has two steps.
    assert (timing['warmup_steps'], timing['steps'], timing['seconds']) == (4, 10, 1.0)
    assert timing['images_per_second'] == 80 and timing['ms_per_step'] == 100
    assert timing['final_loss'] == np.mean(range(14))


def test_it_imports_nothing_that_another_interpreter_lacks():
    with open(peer_loop.__file__) as stream:
        imported = [line.split()[1] for line in stream if line.startswith(('import ', 'from '))]
    assert set(imported) <= {'argparse', 'json', 'os', 'resource', 'sys', 'time', 'typing', 'numpy'}


@pytest.mark.parametrize('kind', sorted(contenders.PEERS))
def test_a_peers_loop_runs_and_learns(kind, tmp_path):
    module, package, options = contenders.PEERS[kind]
    if not PEER:
        pytest.skip('LENET_PEER_PYTHON names no interpreter with %s' % package)
    if subprocess.call([PEER, '-c', 'import importlib.util as u, sys; sys.exit(not u.find_spec("%s"))' % package]):
        pytest.skip('LENET_PEER_PYTHON=%s has no %s' % (PEER, package))
    split = trainings.random_split(64)
    np.savez(str(tmp_path / 'data.npz'), images=split.images, labels=np.full(64, 3, np.int32))
    report = children.run([PEER, '-m', module, '--data=%s' % (tmp_path / 'data.npz'), '--batch_size=16', '--steps=200',
                           '--warmup=4', '--learning_rate=0.01', '--seed=1'] + options, module, inherit=False)
    assert report['steps'] == 200 and report['final_loss'] < 0.5
    assert report['images_per_second'] == pytest.approx(16 * 1000 / report['ms_per_step'])
    assert json.dumps(report)
