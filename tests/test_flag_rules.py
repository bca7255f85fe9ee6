import pytest

from lenet import flags
from lenet.errors import UsageError


@pytest.mark.parametrize('values, message', [
    (dict(steps=150, epochs=1),
     r'--steps=150 x --epochs=1 = 150 steps are not a multiple of --iterations_per_loop=100: use '
     r'--iterations_per_loop=75'),
    (dict(steps=150, epochs=2), r'--eval_every=150 \(as --steps\) is not a multiple of --iterations_per_loop=100'),
    (dict(eval_every=30), r'--eval_every=30 is not a multiple of --iterations_per_loop=100: use --eval_every=100'),
    (dict(log_every=30, iterations_per_loop=20), r'--log_every=30 is not a multiple of --iterations_per_loop=20'),
    (dict(checkpoint_every=250), r'--checkpoint_every=250 is not a multiple of --iterations_per_loop=100'),
    (dict(warmup_steps=6000), r'--warmup_steps=6000 is longer than the run, --steps x --epochs = 5000'),
    (dict(batch_size=9, replicas=2), r'--batch_size=9 cannot be split into --replicas=2 equal parts: use --replicas=1'),
    (dict(resume=True, restore_path='x'), r'--resume .* --restore_path'),
    (dict(restore_exclude=['fc_3/']), r'--restore_exclude=fc_3/ needs --restore_path'),
    (dict(loss_scale_value=0.5), r'--loss_scale_value=0.5'),
    (dict(loss_scale='fixed'), r'--loss_scale=fixed needs --loss_scale_value'),
    (dict(loss_scale='dynamic', loss_scale_value=8), r'--loss_scale=dynamic and --loss_scale_value=8'),
    (dict(restore_exclude=["['fc_3/']"], restore_path='x'),
     r"--restore_exclude=\['fc_3/'\]: patterns are written .*: --restore_exclude=fc_3/$"),
    (dict(restore_exclude=['[fc_3/]'], restore_path='x'), r'without brackets .*: --restore_exclude=fc_3/$'),
    (dict(freeze_variables=["['fc_1/'", "'fc_3/']"]), r'without quotes: --freeze_variables=fc_1/,fc_3/$'),
    (dict(freeze_variables=['[fc_1/', 'fc_3/]']), r'without quotes: --freeze_variables=fc_1/,fc_3/$'),
    (dict(freeze_variables=['\u201cfc_3/\u201d']), r'without quotes: --freeze_variables=fc_3/$'),
    (dict(output_dir='a[1]'), r'--output_dir=a\[1\]'), (dict(output_dir='gs://x'), r'--output_dir=gs://x'),
    (dict(inject_overflow=['²']), r'--inject_overflow=²: numbers'),
    (dict(inject_overflow=['9' * 20]), r'--inject_overflow=9999'),
    (dict(inject_overflow=['3', 'x']), r'--inject_overflow=3,x: numbers of steps'),
    (dict(saturate=True, platform='npu'), r'--saturate .* --platform=npu'),
    (dict(over_dump=True, data_dump_flag=1), r'--over_dump and --data_dump_flag=1'),
    (dict(data_dump_step='0|x'), r'--data_dump_step=0\|x: numbers and rising ranges'),
    (dict(data_dump_step='20-10'), r'--data_dump_step=20-10'),
    (dict(data_dump_step='|'.join(map(str, range(101)))), r'--data_dump_step names 101 sets of steps: at most 100'),
    (dict(modify_mixlist='x', platform='npu', precision_mode='force_fp32'), r'--modify_mixlist .* not force_fp32'),
    (dict(precision_mode='allow_fp32_to_bf16'), r'--precision_mode=allow_fp32_to_bf16 needs --platform=npu'),
    (dict(precision_mode_v2='origin'), r'--precision_mode_v2=origin needs --platform=npu'),
    (dict(modify_mixlist='x', platform='npu', precision_mode_v2='origin'), r'--modify_mixlist .* not origin'),
    (dict(learning_rate='nan'), r'--learning_rate=nan: a finite number'),
    (dict(output_dir=''), r'--output_dir= is empty'),
])
def test_a_broken_rule_names_both_flags_and_a_way_out(values, message):
    with pytest.raises(UsageError, match=message) as caught:
        flags.make_params(**values)
    assert '\n' not in str(caught.value)


def test_character_classes_are_patterns():
    patterns = ['fc_[12]/weight', '[lf].*/bias', '[^f].*']
    assert flags.make_params(freeze_variables=patterns).freeze_variables == patterns


def test_eval_every_is_free_where_nothing_is_evaluated():
    assert flags.make_params(eval_every=30, evaluate=False).eval_every == 30


def test_intervals_derived_from_n_keep_the_rule():
    for n in (1, 8, 64, 125, 1000):
        params = flags.make_params(iterations_per_loop=n, steps=8000)
        assert params.log_every % n == 0 and params.log_every >= 100
