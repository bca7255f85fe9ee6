"""Where one step's time goes: a Chrome trace, and the costliest ops."""

import re
from typing import List, NamedTuple

import tensorflow.compat.v1 as tf
from tensorflow.python.client import timeline

from bench import stepping
from lenet.data.splits import Dataset
from lenet.errors import UsageError
from lenet.flags import Params
from lenet.platforms.base import Platform
from lenet.support import files
from lenet.support import quiet

COSTLIEST = 10
_UNTRACED_STEPS = 20  # until memory is allocated and prefetching has settled


class Cost(NamedTuple):
    """One op of the traced step."""

    name: str
    type: str
    milliseconds: float  # from its start to its end, on whatever thread


def check(platform: str) -> None:
    """Raises:
      UsageError: the platform does not report its ops to TensorFlow.
    """
    if platform != 'cpu':
        raise UsageError('--trace asks TensorFlow, which sees nothing of --platform=%s: use --profiling of lenet.train'
                         % platform)


def record(params: Params, platform: Platform, data: Dataset) -> tf.RunMetadata:
    """Runs training's graph with N = 1 and traces one step of it. Tracing slows the step."""
    with stepping.open_stepper(params._replace(iterations_per_loop=1), platform, data) as stepper:
        stepper.calls(_UNTRACED_STEPS)
        metadata = tf.RunMetadata()
        with quiet.without_stderr_lines('device_tracer|xplane_to_step_stats'):  # looks for a GPU's profiler
            stepper.call(tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
        return metadata


def write(metadata: tf.RunMetadata, path: str) -> None:
    """Writes the trace for chrome://tracing or ui.perfetto.dev.

    Raises:
      UserError: `path` cannot be written.
    """
    with files.replacing(path) as stream:
        stream.write(timeline.Timeline(metadata.step_stats).generate_chrome_trace_format())


def costs(metadata: tf.RunMetadata) -> List[Cost]:
    """Every op of the step, the costliest first."""
    # The executor's own account; '/host:CPU' beside it repeats the kernels without their times.
    devices = [device for device in metadata.step_stats.dev_stats if device.device.startswith('/job:')]
    in_order_of_running = [Cost(node.node_name, _type_in(node.timeline_label),
                                (node.op_end_rel_micros - node.op_start_rel_micros) / 1e3)
                           for device in devices for node in device.node_stats]
    return sorted(in_order_of_running, key=lambda cost: -cost.milliseconds)


def _type_in(label: str) -> str:
    """'Conv2D' of the label '[cpu 0.6MB 0.6MB] tower_0/Conv2D = Conv2D(inputs, kernel)'; '' of one in another form."""
    match = re.search(r' = (\w+)\(', label)
    return match.group(1) if match else ''
