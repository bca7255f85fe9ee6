"""npu_bridge.hccl.hccl_ops: collectives among the ranks; here every other rank is a copy of this one."""

from typing import List

import tensorflow.compat.v1 as tf
from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from standin import journal, rank_rules, violations
from standin.engine import engine

_WORLD = 'hccl_world_group'
_REDUCTIONS = ('sum', 'prod', 'max', 'min')


def _need_ranks(collective: str) -> None:
    if rank_rules.size() <= 1:
        violations.violate('hccl-ranks', '%s with RANK_SIZE %d' % (collective, rank_rules.size()))


def broadcast(tensor_list, root_rank, fusion=2, fusion_id=0, group=_WORLD) -> List[tf.Tensor]:
    """The root's values of `tensor_list`, a list of tensors or variables; the program assigns them itself."""
    if not isinstance(tensor_list, (list, tuple)):
        raise TypeError('tensor_list must be a list, got %s' % type(tensor_list).__name__)
    _need_ranks('broadcast')
    if not 0 <= root_rank < rank_rules.size():
        raise ValueError('root_rank must be in [0, %d), got %r' % (rank_rules.size(), root_rank))
    record = engine.record_of(tf.get_default_graph())
    names = [item.op.name for item in tensor_list]
    journal.record('broadcast', variables=names, root_rank=root_rank, fusion=fusion, fusion_id=fusion_id, group=group)
    if record.loops:
        violations.violate('hccl-late', 'broadcast of %s is built after set_iteration_per_loop' % ', '.join(names))
    results = [tf.identity(item, name='HcomBroadcast') for item in tensor_list]
    record.broadcasts.update({result.op.name: name for result, name in zip(results, names)})
    return results


def allreduce(tensor, reduction, fusion=1, fusion_id=-1, group=_WORLD) -> tf.Tensor:
    """`tensor` reduced over all ranks; the stand-in returns it as it is."""
    if reduction not in _REDUCTIONS:
        raise ValueError('reduction must be one of %s, got %r' % (', '.join(_REDUCTIONS), reduction))
    _need_ranks('allreduce')
    journal.record('allreduce', tensor=tensor.name, reduction=reduction, fusion=fusion, fusion_id=fusion_id,
                   group=group)
    result = tf.identity(tensor, name='HcomAllReduce')
    engine.record_of(result.graph).allreduces.add(result.op.name)
    return result
