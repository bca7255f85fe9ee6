import pytest

from lenet import flags
from lenet.errors import UserError
from lenet.run import checkpoint
from lenet.run import resume
from lenet.run import run_directory

FACTS = {'ranks': 1, 'data': 'abc', 'tensorflow': '1.15.0'}


def compare(directory, before, after, facts=FACTS, steps_run=100):
    params = flags.make_params(output_dir=str(directory), **before)
    with run_directory.locked(params):
        run_directory.prepare(params, FACTS, keep=False)
    resume.check(flags.make_params(output_dir=str(directory), **after), facts, checkpoint.Position(steps_run))


@pytest.mark.parametrize('after, words', [
    (dict(batch_size=32), ['a step read --batch_size=64 on each of 1 ranks, now 32 on each of 1']),
    (dict(seed=2, activation='relu'), ['--seed was 1, is 2', '--activation was sigmoid, is relu (the network)']),
    (dict(freeze_variables=['layer_']), ['--freeze_variables was empty, is layer_ (what is trained)']),
    (dict(random_remove=True), ['--random_remove was False, is True']),
    (dict(num_classes=26), ['--num_classes was 10, is 26'])])
def test_another_run_is_refused_flag_by_flag(tmp_path, after, words):
    with pytest.raises(UserError) as raised:
        compare(tmp_path, {}, after)
    for word in words + ['--restore_path=%s' % tmp_path]:
        assert word in str(raised.value)


@pytest.mark.parametrize('facts, words', [
    (dict(FACTS, ranks=2), 'a step read --batch_size=64 on each of 1 ranks, now 64 on each of 2'),
    (dict(FACTS, data='xyz'), 'the training images or labels of --data_path are not those')])
def test_other_devices_or_data_are_refused(tmp_path, facts, words):
    with pytest.raises(UserError, match=words):
        compare(tmp_path, {}, {}, facts)


@pytest.mark.parametrize('after, words', [
    (dict(learning_rate=0.01), '--learning_rate was 0.001, is 0.01 from step 100 on'),
    (dict(precision_mode='force_fp16'), '--precision_mode was must_keep_origin_dtype, is force_fp16'),
    (dict(conv='direct'), '--conv was folded, is direct')])
def test_what_may_change_is_told(tmp_path, capsys, after, words):
    compare(tmp_path, {}, after)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and words in lines[0] and 'will not end as an uninterrupted one' in lines[0]


def test_other_ranks_may_go_on_with_the_same_batches(tmp_path, capsys):
    compare(tmp_path, dict(replicas=1), dict(replicas=1, batch_size=32), dict(FACTS, ranks=2))
    line, = capsys.readouterr().err.splitlines()
    assert 'on 1 ranks until step 100, on 2 from there' in line
    compare(tmp_path, dict(replicas=1, learning_rate_scaling='linear'),
            dict(replicas=1, batch_size=32, learning_rate_scaling='linear'), dict(FACTS, ranks=2))
    assert '--learning_rate_scaling=linear' in capsys.readouterr().err


def test_another_tensorflow_may_go_on_and_is_told(tmp_path, capsys):
    compare(tmp_path, {}, {}, dict(FACTS, tensorflow='2.21.0'))
    line, = capsys.readouterr().err.splitlines()
    assert line.startswith('warning: --resume: under TensorFlow 1.15.0 until step 100, under 2.21.0 from there')


def test_a_longer_run_is_told_of_only_where_the_schedule_goes_by_its_length(tmp_path, capsys):
    compare(tmp_path, {}, dict(epochs=9))
    assert capsys.readouterr().err == ''
    compare(tmp_path, dict(learning_rate_schedule='linear'), dict(learning_rate_schedule='linear', epochs=9))
    assert '--steps x --epochs was 5000, is 9000: --learning_rate_schedule=linear' in capsys.readouterr().err


def test_what_changes_no_result_may_change(tmp_path, capsys):
    compare(tmp_path, {}, dict(iterations_per_loop=50, input='stream', log_every=50, evaluate=False, ckpt_count=1))
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('content', [None, b'--nonsense=1\n', b'\xff\xfe'])
def test_flags_that_cannot_be_read_are_told_of(tmp_path, capsys, content):
    if content is not None:
        (tmp_path / 'flags.txt').write_bytes(content)
    resume.check(flags.make_params(output_dir=str(tmp_path)), FACTS, checkpoint.Position(1))
    assert 'has no readable flags.txt' in capsys.readouterr().err
