import pytest

from bench import bench_flags
from bench import children
from bench import proof
from bench import sweep
from lenet.errors import UsageError


def params(*arguments):
    return bench_flags.training_params(['--batch_size=12', '--steps=40', '--iterations_per_loop=4'] + list(arguments))


def test_a_point_is_a_value_on_a_count_of_cores():
    points = sweep.make_points('batch_size=6,12', [1], params('--noevaluate'), 8)
    assert [(point.value, point.cores) for point in points] == [('6', 1), ('12', 1)]
    assert {'--batch_size=6', '--cores=1', '--warmup=8', '--steps=40', '--noconstant_input'} <= set(points[0].command)
    assert not [argument for argument in points[0].command if argument.startswith('--replicas')], 'each decides anew'


def test_the_references_spelling_is_understood():
    assert sweep.split('iteration_per_loop=1,4') == ('iterations_per_loop', ['1', '4'])


@pytest.mark.parametrize('swept, words', [
    ('seed=1,2', 'one of iterations_per_loop'), ('conv', 'at least two'), ('conv=folded,folded', 'all different'),
    ('batch_size=6,none', '--batch_size=none'), ('replicas=5,1', '--replicas=5'),
    ('iterations_per_loop=4,20', '--iterations_per_loop=20')])
def test_a_point_that_cannot_be_measured_is_refused_before_any_is(swept, words):
    with pytest.raises(UsageError, match=words):
        sweep.make_points(swept, [], params(), None)


def test_points_are_measured_in_turn_and_summed_up_over_the_rounds(monkeypatch):
    rates = iter([10.0, 20.0, 14.0, 26.0, 12.0, 17.0])
    order = []

    def run(command, label):
        order.append(label)
        rate = next(rates)
        return {'images_per_second': rate, 'ms_per_step': {'mean': 1e3 / rate}, 'first_call_seconds': 1.0,
                'peak_rss_mb': 400.0}
    monkeypatch.setattr(children, 'run', run)
    monkeypatch.setattr(proof, 'prove', lambda *unused: 'proven')
    said = []
    report = sweep.run('conv', sweep.make_points('conv=folded,direct', [], params(), None), 3, said.append)
    assert order == ['--conv=folded', '--conv=direct'] * 3
    assert [point['images_per_second']['median'] for point in report['points']] == [12.0, 20.0]
    assert said[0] == 'proof: proven' and len(said) == 7
    printed = '\n'.join(sweep.lines(report))
    assert '| 12 (10-14) ' in printed and '| 20 (17-26) ' in printed
