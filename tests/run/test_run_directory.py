import pytest

from lenet import flags
from lenet.errors import UserError
from lenet.run import run_directory


def make_run(directory, name, checkpoint=True):
    """Files as a run leaves them, beside one of the user's own."""
    (directory / '0').mkdir(parents=True, exist_ok=True)
    (directory / 'ckpt_npu').mkdir(exist_ok=True)
    (directory / 'flags.txt').write_text(name)
    (directory / '0' / 'LeNet_ID0127_x.log').write_text(name)
    (directory / '0' / 'mine.txt').write_text('mine')
    (directory / 'notes.txt').write_text('mine')
    if checkpoint:
        (directory / 'ckpt_npu' / 'model.ckpt-1.index').write_text(name)


def prepare(directory, keep=False, **values):
    params = flags.make_params(output_dir=str(directory), **values)
    with run_directory.locked(params):
        run_directory.prepare(params, {'ranks': 1, 'data': 'x'}, keep)


def test_flags_are_written_as_a_flagfile(tmp_path):
    prepare(tmp_path / 'a b' / 'c', batch_size=13)
    assert '--batch_size=13\n' in (tmp_path / 'a b' / 'c' / 'flags.txt').read_text()


def test_a_former_run_is_set_aside_and_nothing_else_is_touched(tmp_path):
    make_run(tmp_path, 'first')
    prepare(tmp_path)
    assert (tmp_path / 'previous' / 'ckpt_npu' / 'model.ckpt-1.index').read_text() == 'first'
    assert (tmp_path / 'previous' / '0' / 'LeNet_ID0127_x.log').read_text() == 'first'
    assert not (tmp_path / 'ckpt_npu').exists()
    assert (tmp_path / 'notes.txt').exists() and (tmp_path / '0' / 'mine.txt').exists()
    make_run(tmp_path, 'second')
    prepare(tmp_path)
    assert (tmp_path / 'previous' / 'ckpt_npu' / 'model.ckpt-1.index').read_text() == 'second'


def test_a_run_without_a_checkpoint_does_not_replace_one_with(tmp_path):
    make_run(tmp_path, 'good')
    prepare(tmp_path)
    make_run(tmp_path, 'failed', checkpoint=False)
    prepare(tmp_path)
    assert (tmp_path / 'previous' / 'ckpt_npu' / 'model.ckpt-1.index').read_text() == 'good'
    assert not (tmp_path / '0' / 'LeNet_ID0127_x.log').exists() and (tmp_path / '0' / 'mine.txt').exists()


def test_a_resumed_run_stays(tmp_path):
    make_run(tmp_path, 'first')
    prepare(tmp_path, keep=True)
    assert (tmp_path / 'ckpt_npu' / 'model.ckpt-1.index').exists()


def test_a_directory_that_holds_no_run_is_left_alone(tmp_path):
    (tmp_path / 'results.json').write_text("somebody else's")
    prepare(tmp_path)
    assert (tmp_path / 'results.json').exists() and not (tmp_path / 'previous').exists()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / 'out').write_text('')
    with pytest.raises(UserError, match='out: cannot make this directory .a file of that name exists'):
        prepare(tmp_path / 'out')


def test_an_interrupted_move_is_finished_by_the_next_run(tmp_path, monkeypatch):
    make_run(tmp_path, 'first')
    replace, moved = run_directory.os.replace, []

    def interrupted(source, target):
        if len(moved) == 1:
            raise KeyboardInterrupt()
        moved.append(source)
        replace(source, target)
    with monkeypatch.context() as patch:
        patch.setattr(run_directory.os, 'replace', interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare(tmp_path)
    assert len(moved) == 1 and (tmp_path / 'flags.txt').exists()
