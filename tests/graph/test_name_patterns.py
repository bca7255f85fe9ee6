import pytest

from lenet.errors import UserError
from lenet.graph import model
from lenet.graph import name_patterns

SHAPES = model.variable_shapes()


@pytest.mark.parametrize('patterns, names', [
    (['fc_3/'], {'fc_3/weight', 'fc_3/bias'}), (['layer_'], {'layer_%d/%s' % (i, k) for i in (1, 2)
                                                             for k in ('weights', 'bias')}),
    (['.*/bias'], {name for name in SHAPES if name.endswith('bias')}),
    (['fc_[12]/weight', 'fc_3'], {'fc_1/weight', 'fc_2/weight', 'fc_3/weight', 'fc_3/bias'})])
def test_patterns_are_prefixes_or_regular_expressions(patterns, names):
    assert name_patterns.match(patterns, SHAPES, 'x') == names


def test_freezing_everything_is_refused():
    with pytest.raises(UserError, match='--freeze_variables=layer_,fc_ leaves nothing to train'):
        name_patterns.choose_untrained(['layer_', 'fc_'], SHAPES)
