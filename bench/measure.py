"""One measurement of the training step, in this process."""

import os
import time
from typing import Any, Dict, List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from bench import bench_flags
from bench import peer_loop
from bench import spread
from bench import stepping
from lenet.data.splits import Dataset
from lenet.flags import Params
from lenet.platforms.base import Platform
from lenet.support import machine
from lenet.support import stack


class Timing(NamedTuple):
    """The seconds of one run, and its final loss."""

    graph: float  # built, variables and input initialized
    first_call: float  # includes optimizing the graph, or compiling it for the device
    calls: List[float]  # after the warm-up
    final_loss: float


def measure(params: Params, warmup: int, platform: Platform, data: Dataset,
            with_constant_input: bool) -> Dict[str, Any]:
    """Times training's step, then optionally the same step on constant input.

    Args:
      params: completed, keeping the rules of bench_flags.warmup_steps.
      warmup: steps that are run first and not counted.

    Returns:
      What --json_out holds: images_per_second and ms_per_step of the step with its input, what it took to get there,
      and under which circumstances. images_per_second = 1000 * images_per_step / mean ms_per_step.
    """
    load_before = os.getloadavg()
    timing = time_steps(params, warmup, platform, data)
    report = rates(timing.calls, params, platform.ranks.size)
    report.update({
        'steps': bench_flags.timed_steps(params), 'warmup_steps': warmup, 'calls': len(timing.calls),
        'steps_per_call': params.iterations_per_loop, 'images_per_step': params.batch_size * platform.ranks.size,
        'seconds': sum(timing.calls), 'graph_seconds': timing.graph, 'first_call_seconds': timing.first_call,
        'final_loss': timing.final_loss if np.isfinite(timing.final_loss) else None,
        'peak_rss_mb': peer_loop.peak_rss_mb(),
    })
    report.update(software='TensorFlow ' + tf.__version__, how='N=%d, R=%d, %s convolution, %s input' % (
        params.iterations_per_loop, params.replicas, params.conv, params.input))
    if with_constant_input:
        constant = time_steps(params, warmup, platform, data, constant_input=True)
        report['constant_input'] = rates(constant.calls, params, platform.ranks.size)
    report['circumstances'] = circumstances(params, platform, data, load_before)
    return report


def time_steps(params: Params, warmup: int, platform: Platform, data: Dataset, constant_input: bool = False) -> Timing:
    began = time.perf_counter()
    with stepping.open_stepper(params, platform, data, constant_input) as stepper:
        graph = time.perf_counter() - began
        first_call = stepper.call()
        stepper.calls(warmup - params.iterations_per_loop)
        calls = stepper.calls(bench_flags.timed_steps(params))
        return Timing(graph, first_call, calls, float(np.mean(stepper.losses[-peer_loop.LOSSES_AVERAGED:])))


def rates(calls: List[float], params: Params, size: int) -> Dict[str, Any]:
    """images_per_second and ms_per_step of timed calls; `size` is the number of ranks."""
    milliseconds = spread.ms_per_step(calls, params.iterations_per_loop)
    return {'images_per_second': 1e3 * params.batch_size * size / milliseconds['mean'], 'ms_per_step': milliseconds}


def circumstances(params: Params, platform: Platform, data: Dataset, load_before: tuple) -> Dict[str, Any]:
    """All that a number needs beside it."""
    facts = machine.describe()
    facts['load_average_after'] = facts.pop('load_average')
    facts['load_average_before'] = list(load_before)
    return {'platform': platform.name, 'ranks': platform.ranks.size, 'data': data.origin, 'flags': params._asdict(),
            'machine': facts, 'versions': stack.versions()}
