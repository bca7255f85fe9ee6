import time

import pytest

from lenet.run.ledger import Ledger, PARTS


def test_the_parts_and_the_unexplained_sum_to_the_total():
    ledger = Ledger(time.perf_counter() - 5)
    with ledger.timing('data'):
        pass
    ledger.add('steady_steps', 2.0)
    with pytest.raises(ValueError):
        with ledger.timing('saving'):
            raise ValueError()
    report = ledger.report()
    assert set(report) == set(PARTS) | {'unexplained', 'total'}
    assert report['steady_steps'] == 2.0 and report['data'] > 0 and report['saving'] > 0
    assert report['total'] >= 5
    assert sum(report[part] for part in PARTS) + report['unexplained'] == pytest.approx(report['total'])


def test_a_part_must_be_known():
    with pytest.raises(KeyError):
        Ledger(0).add('lunch', 1.0)
