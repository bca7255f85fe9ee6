import numpy as np
import pytest

from lenet.errors import UserError
from lenet.run.checkpoint import Position
from lenet.run.update_account import UpdateAccount


def test_skipped_steps_are_named_by_number_also_after_a_resume():
    account = UpdateAccount(Position(steps_run=10, updates_applied=8), max_skipped=99)
    assert account.add(11, np.array([9, 9, 10, 10]), 1.0) == [12, 14]
    assert account.add(15, np.array([10, 11, 12, 13]), 1.0) == [15]
    assert account.skip_rate == 3 / 8


def test_too_many_skipped_in_a_row_end_the_run_also_across_calls():
    account = UpdateAccount(Position(), max_skipped=5)
    account.add(1, np.array([0, 0, 0, 1]), 8.0)
    account.add(5, np.array([1, 1]), 4.0)
    with pytest.raises(UserError, match=r'--max_skipped=5 consecutive steps was skipped.*loss scale now 2, step 9'):
        account.add(7, np.array([1, 1, 1]), 2.0)


def test_without_steps_the_rate_is_zero():
    assert UpdateAccount(Position(), 1).skip_rate == 0
