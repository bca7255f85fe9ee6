import shutil

import pytest

from lenet import flags
from lenet.errors import UserError
from lenet.run import run_directory
from tests import kills


LOG = '0/LeNet_ID0127_for_TensorFlow_bs64_1p_acc.log'
MINE = ['notes.txt', '.notes.tmp', '0/mine.txt', '0/train_mine_loss.txt', 'ckpt_npu/model.ckpt-mine.index',
        'events.out.tfevents.1.mine', '100/' + LOG[2:], 'ckpt_npu/notes/x']


def make_run(directory, name, checkpoint=True):
    """Files as a run leaves them, beside some of the user's own."""
    own = ['flags.txt', 'run.json', 'results.json', 'events.out.tfevents.1.host.lenet', LOG, 'ckpt_npu/checkpoint']
    for path in own + MINE + ['ckpt_npu/model.ckpt-1.index'] * checkpoint:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text('mine' if path in MINE else name)


def everything(directory):
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob('*')
            if path.is_file() and path.name != '.lock'}


def prepare(directory, keep=False, **values):
    params = flags.make_params(output_dir=str(directory), **values)
    with run_directory.locked(params):
        run_directory.prepare(params, {'ranks': 1, 'data': 'x'}, keep)


def test_flags_are_written_as_a_flagfile(tmp_path):
    prepare(tmp_path / 'a b' / 'c', batch_size=13)
    assert '--batch_size=13\n' in (tmp_path / 'a b' / 'c' / 'flags.txt').read_text()


def test_a_former_run_is_set_aside_and_nothing_else_is_touched(tmp_path):
    for name in ('first', 'second'):
        make_run(tmp_path, name)
        before = everything(tmp_path)
        prepare(tmp_path)
        now = everything(tmp_path)
        assert {path: now.pop(path) for path in MINE} == dict.fromkeys(MINE, 'mine')
        assert now.pop('flags.txt') and now.pop('run.json')
        assert now == {'previous/' + path: name for path in before if path not in MINE and before[path] == name}
    for path in MINE:
        (tmp_path / path).unlink()
    prepare(tmp_path)
    assert not (tmp_path / '0').exists(), 'an empty folder of a run goes with it'


def test_a_run_without_a_checkpoint_does_not_replace_one_with(tmp_path):
    make_run(tmp_path, 'good')
    prepare(tmp_path)
    make_run(tmp_path, 'failed', checkpoint=False)
    prepare(tmp_path)
    assert (tmp_path / 'previous' / 'ckpt_npu' / 'model.ckpt-1.index').read_text() == 'good'
    assert not (tmp_path / LOG).exists() and set(MINE) < set(everything(tmp_path))


def test_a_resumed_run_stays(tmp_path):
    make_run(tmp_path, 'first')
    prepare(tmp_path, keep=True)
    assert (tmp_path / 'ckpt_npu' / 'model.ckpt-1.index').exists()


@pytest.mark.parametrize('name', ['results.json', 'metrics.jsonl', 'ckpt_npu/model.ckpt-5.index', LOG])
def test_a_directory_that_holds_no_run_but_what_one_would_overwrite_is_refused(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("somebody else's")
    with pytest.raises(UserError, match='holds %s, but no flags.txt' % name):
        prepare(tmp_path)
    assert everything(tmp_path) == {name: "somebody else's"}
    prepare(tmp_path, keep=True)


def test_an_export_needs_no_run_and_stays(tmp_path):
    (tmp_path / 'lenet.pb').write_text('exported from another run')
    prepare(tmp_path)
    prepare(tmp_path)
    assert (tmp_path / 'lenet.pb').exists() and not (tmp_path / 'previous').exists()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / 'out').write_text('')
    with pytest.raises(UserError, match='out: cannot make this directory .a file of that name exists'):
        prepare(tmp_path / 'out')


def test_a_move_that_was_killed_anywhere_is_finished_by_the_next_start(tmp_path):
    make_run(tmp_path / 'model', 'former')
    prepare(tmp_path / 'model')
    make_run(tmp_path / 'model', 'newer')
    own = {path for path, text in everything(tmp_path / 'model').items() if text == 'newer'}
    directory, seen = tmp_path / 'run', set()
    shutil.copytree(str(tmp_path / 'model'), str(directory))
    for _ in kills.at_every_change(lambda: prepare(directory)):
        with run_directory.locked(flags.make_params(output_dir=str(directory))):  # as a resumed run would find it
            found = everything(directory)
        where = [{path for path in own if found.get(place + path) == 'newer'} for place in ('', 'previous/')]
        assert where in ([own, set()], [set(), own])
        seen.add(bool(where[0]))
        prepare(directory)
        found = everything(directory)
        assert {path for path in found if path.startswith('previous/')} == {'previous/' + path for path in own}
        assert set(MINE) < set(found)
        shutil.rmtree(str(directory))
        shutil.copytree(str(tmp_path / 'model'), str(directory))
    assert seen == {True, False}
