"""The device's list of operators against the operators of a graph."""

import json

import pytest
import tensorflow.compat.v1 as tf

from lenet.checks import FAIL, PASS, WARN
from lenet.checks import operators
from lenet.errors import UserError
from tests import npu_standin

NEWER, OLDER = 'built-in/framework/tensorflow', 'framework/built-in/tensorflow'
ASKED = operators.Needed({'Conv2D': 'f in model.py', 'Select': 'g in step.py'}, {'ArgMax': 'h in evaluation.py'})


def write(root, types, folder=NEWER):
    (root / folder).mkdir(parents=True)
    (root / folder / operators.FILE).write_text(json.dumps({name: {'isGray': False} for name in types}))
    return {'ASCEND_OPP_PATH': str(root)}


@pytest.mark.parametrize('folder', [NEWER, OLDER])
def test_the_list_is_found_in_either_place(tmp_path, folder):
    environ = write(tmp_path, ['Conv2D', 'Select'], folder)
    assert operators.read(environ) == (str(tmp_path / folder / operators.FILE), {'Conv2D', 'Select'})
    assert operators.listed(environ).status == PASS and '2 operators' in operators.listed(environ).found


def test_without_a_list_both_places_are_named(tmp_path):
    result = operators.listed({'ASCEND_OPP_PATH': str(tmp_path)})
    assert result.status == FAIL and 'set_env.sh' in result.remedy
    assert all(str(tmp_path / folder / operators.FILE) in result.found for folder in (NEWER, OLDER))
    assert '/usr/local/Ascend/opp/' in operators.listed({}).found


@pytest.mark.parametrize('content, words', [('{"Conv2D": {},}', 'no JSON'), ('[]', 'not an object'),
                                            ('[' * 10 ** 5, 'no JSON')], ids=['comma', 'list', 'deep'])
def test_a_list_that_cannot_be_read_is_one_line(tmp_path, content, words):
    environ = write(tmp_path, [])
    (tmp_path / NEWER / operators.FILE).write_text(content)
    with pytest.raises(UserError, match=words) as raised:
        operators.read(environ)
    assert str(tmp_path) in str(raised.value) and '\n' not in str(raised.value)


def test_operators_that_others_have_added_count(tmp_path):
    environ = write(tmp_path / 'opp', ['Conv2D'])
    write(tmp_path / 'opp/vendors/one', ['A'], 'framework/tensorflow')
    write(tmp_path / 'custom', ['B'], 'framework/tensorflow')
    environ['ASCEND_CUSTOM_OPP_PATH'] = '/nowhere:%s' % (tmp_path / 'custom')
    assert operators.read(environ).types == {'Conv2D', 'A', 'B'}


def test_what_is_no_object_is_not_declared(tmp_path):
    environ = write(tmp_path, [])
    (tmp_path / NEWER / operators.FILE).write_text('{"A": true, "B": {}, "B": {}}')
    assert operators.read(environ).types == {'B'}


@pytest.mark.parametrize('lacks, n, expected', [
    ((), 10, [('operators', PASS)]), (('Select',), 10, [('operators', FAIL)]), (('Select',), 1, [('operators', WARN)]),
    (('ArgMax',), 10, [('operators', PASS), ('after the step', WARN)]),
    (('Snapshot',), 10, [('operators', PASS), ('Grappler', WARN)])],
    ids=['all', 'step', 'step, N=1', 'after', 'Grappler'])
def test_what_the_list_lacks_fails_in_a_sunk_step_and_is_told_elsewhere(lacks, n, expected):
    supported = operators.Supported('list.json', frozenset({'Conv2D', 'Select', 'ArgMax', 'Snapshot'}) - set(lacks))
    results = operators.compare(ASKED, supported, n)
    assert [(result.name, result.status) for result in results] == expected
    assert all(lack in results[-1].found and 'list.json' in results[-1].found for lack in lacks)
    if lacks == ('Select',):
        assert 'Select (by g in step.py)' in results[0].found and results[0].alert == (n == 1)


def test_each_operator_is_told_with_what_makes_it_and_placed_ones_are_exempt():
    with tf.Graph().as_default():
        variable = tf.get_variable('v', [3])

        def train():
            return tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(tf.sigmoid(variable)))
        built = type('Built', (), {'train_op': train(), 'outputs': {'x': tf.cos(variable)}, 'evaluation': None})
        asked = operators.needed(built)
    assert asked.step['Sigmoid'] == 'train in tests/checks/test_operators.py'
    assert asked.step['SigmoidGrad'] == 'the gradient of train in tests/checks/test_operators.py'
    assert list(asked.after) == ['Cos'] and 'Const' not in asked.step


def test_the_stand_in_has_a_list():
    assert 'Conv2D' in operators.read({'ASCEND_OPP_PATH': npu_standin.OPP}).types
