"""What holds on one of the two stacks alone."""

import pytest

from lenet.support import stack

first_stack_only = pytest.mark.skipif(not stack.IS_FIRST, reason='an NPU needs TensorFlow 1.15 on Python 3.7')
second_stack_only = pytest.mark.skipif(stack.IS_FIRST, reason='TensorFlow 2 alone')
