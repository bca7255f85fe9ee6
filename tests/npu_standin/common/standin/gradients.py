"""What the optimizers of npu_bridge share: they wrap another one and see every kind of gradient."""

from typing import Any, Callable, List

import tensorflow.compat.v1 as tf


class WrappingOptimizer(tf.train.Optimizer):
    """An optimizer whose slots and variables are those of the optimizer it wraps."""

    def __init__(self, optimizer: tf.train.Optimizer, name: str) -> None:
        if not isinstance(optimizer, tf.train.Optimizer):
            raise ValueError('%s wraps a tf.train.Optimizer, got a %s' % (name, type(optimizer).__name__))
        super().__init__(use_locking=False, name=name)
        self._opt = optimizer

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> List[Any]:
        return self._opt.variables()


def mapped(function: Callable[[tf.Tensor], tf.Tensor], gradient: Any) -> Any:
    """`function` of a gradient's values: the gradient may be a tensor, IndexedSlices or None."""
    if gradient is None:
        return None
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(function(gradient.values), gradient.indices, gradient.dense_shape)
    return function(gradient)


def tensors(grads_and_vars: List[Any]) -> List[tf.Tensor]:
    """The gradients' values, without the Nones."""
    return [getattr(gradient, 'values', gradient) for gradient, _ in grads_and_vars if gradient is not None]
