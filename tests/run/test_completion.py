import json
import os
import shutil

import pytest

from lenet import flags
from lenet.data import dataset
from lenet.errors import UserError
from lenet.run import trainer
from tests import trainings

VALUES = dict(batch_size=6, steps=6, epochs=2, iterations_per_loop=3, log_every=3, ckpt_count=1, loss_scale='dynamic')
LOG = '0/LeNet_ID0127_for_TensorFlow_bs6_1p_acc.log'
LOSSES = '0/train_LeNet_ID0127_for_TensorFlow_bs6_1p_acc_loss.txt'


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """The directory of a run that came to its end."""
    directory = tmp_path_factory.mktemp('finished')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, 'open_dataset', lambda *unused: trainings.random_dataset())
        assert trainer.train(flags.make_params(output_dir=str(directory), **VALUES)) == 0
    return directory


@pytest.fixture
def resume(finished, tmp_path, monkeypatch, capsys):
    """resume(change): copies the finished run, lets `change` change it, and resumes it; returns what was printed."""
    monkeypatch.setattr(dataset, 'open_dataset', lambda *unused: trainings.random_dataset())

    def changed(change, **values):
        shutil.rmtree(str(tmp_path))
        shutil.copytree(str(finished), str(tmp_path))
        change(tmp_path)
        assert trainer.train(flags.make_params(output_dir=str(tmp_path), resume=True, **dict(VALUES, **values))) == 0
        return capsys.readouterr()
    return changed


def load(directory):
    """What the directory tells of the run, but for its speed and wall time."""
    results = json.loads((directory / 'results.json').read_text())
    metrics = [json.loads(line) for line in (directory / 'metrics.jsonl').read_text().splitlines()]
    log = [line for line in (directory / LOG).read_text().splitlines()
           if not line.startswith(('ActualFPS', 'TrainingTime', 'E2E'))]
    for name in ('throughput', 'wall_seconds', 'flags', 'machine'):
        del results[name]
    results['steps'].pop('steps_this_run')
    return results, metrics, (directory / LOSSES).read_text(), log


def remove(*names):
    return lambda directory: [(directory / name).unlink() for name in names]


def rewrite(name, content):
    return lambda directory: (directory / name).write_text(content)


def cut(name, count):
    def cut_it(directory):
        os.truncate(str(directory / name), (directory / name).stat().st_size - count)
    return cut_it


def lose_everything(directory):
    remove('results.json', LOG)(directory)
    lines = (directory / 'metrics.jsonl').read_text().splitlines(True)
    assert '"evaluation"' in lines.pop()
    (directory / 'metrics.jsonl').write_text(''.join(lines) + '{"kind": "evalu')


@pytest.mark.parametrize('change', [
    remove(LOG), cut(LOG, 9), remove('results.json', LOG), remove('results.json'), cut('results.json', 100),
    rewrite('results.json', '{"steps": {"steps_run": 12}, "case": "../../x"}'), cut('metrics.jsonl', 20),
    rewrite('results.json', '[' * 100000), lose_everything],
    ids=['no log', 'log cut', 'neither', 'no results', 'results cut', 'results of others', 'metrics cut', 'nested',
         'no evaluation'])
def test_what_is_missing_is_written_as_it_was(finished, resume, tmp_path, change):
    shown = resume(change)
    assert load(tmp_path) == load(finished)
    assert shown.err == '' and 'all 12 steps are done' in shown.out and 'Final Train Accuracy : ' in shown.out
    throughput = json.loads((tmp_path / 'results.json').read_text())['throughput']
    measured = json.loads((finished / 'results.json').read_text())['throughput']
    assert throughput['images'] == measured['images'] == 54
    assert throughput['images_per_second'] == pytest.approx(measured['images_per_second'])


def test_lost_losses_are_nan_and_whole_again(resume, tmp_path):
    resume(cut(LOSSES, 15))
    lines = (tmp_path / LOSSES).read_text().splitlines()
    assert len(lines) == 12 and lines[-1] == 'nan' and lines[0] != 'nan'


def test_another_device_takes_the_records_along(finished, resume, tmp_path, monkeypatch):
    monkeypatch.setenv('ASCEND_DEVICE_ID', '3')
    shown = resume(lambda directory: None)
    assert len(shown.out.splitlines()) == 1 and (tmp_path / LOG).exists()
    resume(remove('results.json'))
    assert (tmp_path / LOSSES.replace('0/', '3/')).read_text() == (finished / LOSSES).read_text()


def test_a_finished_run_is_not_completed_as_another(resume, tmp_path):
    assert 'all 12 steps are done' in resume(lambda directory: None, seed=2).out
    with pytest.raises(UserError, match='--seed was 1, is 2'):
        resume(remove('results.json'), seed=2)


def test_a_run_without_evaluation_or_a_record_is_completed_once(resume, tmp_path):
    shown = resume(remove('results.json', LOG, 'metrics.jsonl'), evaluate=False)
    assert 'Final Train Accuracy : not evaluated' in shown.out
    before = (tmp_path / 'results.json').read_text()
    trainer.train(flags.make_params(output_dir=str(tmp_path), resume=True, **dict(VALUES, evaluate=False)))
    assert (tmp_path / 'results.json').read_text() == before
