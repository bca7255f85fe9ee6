import pytest
from absl import flags as absl_flags

from lenet import flags
from lenet.errors import UsageError
from tests import processes


def test_defaults_are_the_references_run():
    params = flags.make_params()
    assert (params.batch_size, params.steps, params.epochs, params.learning_rate) == (64, 1000, 5, 0.001)
    assert params.iterations_per_loop == 100 and params.platform == 'cpu'
    assert params.eval_every == params.checkpoint_every == 1000 and params.log_every == 100


def test_the_npu_has_defaults_of_its_own():
    params = flags.make_params(platform='npu')
    assert (params.iterations_per_loop, params.precision_mode, params.replicas) == (10, 'allow_mix_precision', 1)


@pytest.mark.parametrize('alias, name, value', [('learing_rata', 'learning_rate', 0.25),
                                                ('iteration_per_loop', 'iterations_per_loop', 50)])
def test_the_references_spellings_are_accepted(alias, name, value):
    assert getattr(flags.make_params(**{alias: value}), name) == value


@pytest.mark.parametrize('cores, replicas', [(1, [1, 1, 1, 1, 1, 1]), (2, [2, 2, 2, 1, 1, 2]),
                                             (4, [4, 4, 2, 1, 1, 2]), (64, [64, 4, 2, 1, 1, 2])])
def test_replicas_default_to_cores_that_divide_the_batch_into_parts_worth_it(monkeypatch, cores, replicas):
    monkeypatch.setattr(flags.machine, 'usable_cores', lambda: cores)
    assert [flags.make_params(batch_size=b).replicas for b in (1024, 64, 6, 13, 1, 16)] == replicas


def test_params_cannot_be_changed():
    with pytest.raises(AttributeError):
        flags.make_params().seed = 3


@pytest.mark.parametrize('name, value', [
    ('batch_size', 0), ('steps', 0), ('epochs', -1), ('learning_rate', 0), ('learning_rate', 'fast'), ('seed', -1),
    ('activation', 'gelu'), ('precision_mode', 'bf16'), ('loss_scale_flag', 2), ('platform', 'tpu'), ('ckpt_count', 0),
    ('iterations_per_loop', 0), ('batch_size', 1.5)])
def test_values_out_of_bounds_are_refused_by_name(name, value):
    with pytest.raises(UsageError, match=name):
        flags.make_params(**{name: value})


def test_lines_read_back_as_a_flagfile_give_the_same_params(tmp_path):
    params = flags.make_params(batch_size=13, restore_path='a b', restore_exclude=['fc_3/', 'fc_2/'], resume=False)
    path = tmp_path / 'flags.txt'
    path.write_text('\n'.join(flags.to_lines(params)))
    values = absl_flags.FlagValues()
    flags.define(values)
    values(['x'] + path.read_text().splitlines())
    assert flags.read(values) == params


def test_help_names_every_flag_of_the_reference():
    shown = processes.run_module('lenet.train', '--help')
    assert shown.returncode == 0 and shown.stderr == ''
    for name in ('data_path batch_size learing_rata steps epochs iteration_per_loop precision_mode loss_scale_flag '
                 'loss_scale_value over_dump data_dump_flag data_dump_step profiling random_remove autotune ckpt_count '
                 'restore_path restore_exclude').split():
        assert '--%s' % name in shown.stdout or '--[no]%s' % name in shown.stdout, name
