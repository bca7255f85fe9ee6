"""What holds on one of the two stacks alone, and where their environments are."""

import os
import sys

import pytest

from lenet.support import stack

first_stack_only = pytest.mark.skipif(not stack.IS_FIRST, reason='an NPU needs TensorFlow 1.15 on Python 3.7')
second_stack_only = pytest.mark.skipif(stack.IS_FIRST, reason='TensorFlow 2 alone')


def stamp_of(environment: str = sys.prefix) -> str:
    """The file that setup_env.sh leaves in an environment once it is finished; in others there is none."""
    return os.path.join(environment, 'lenet-setup', 'stamp')
