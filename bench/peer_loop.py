"""What the loops of other programs share: their arguments, the order of batches, the timing, one line of JSON.

Runs under any Python 3 with numpy: imports neither lenet nor TensorFlow. Letters: n images, B batch.
"""

import argparse
import json
import os
import resource
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np

MOST_STEPS_PER_CALL = 100
LOSSES_AVERAGED = 100  # what "final loss" is the mean of: single batches scatter too much to show learning


def parse(arguments: List[str]) -> argparse.Namespace:
    """The arguments that bench/contenders.py gives every loop."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--data', required=True, help='.npz of images uint8 [n, 28, 28, 1] and labels int32 [n]')
    parser.add_argument('--batch_size', type=int, required=True)
    parser.add_argument('--steps', type=int, required=True, help='that are timed')
    parser.add_argument('--warmup', type=int, required=True, help='steps that are run first and not counted')
    parser.add_argument('--learning_rate', type=float, required=True)
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--summary', action='store_true', help='reference alone: the merged summary in each step')
    parser.add_argument('--channels_last', action='store_true', help='PyTorch alone: the memory layout NHWC')
    parser.add_argument('--compile', action='store_true', help='PyTorch alone: torch.compile')
    return parser.parse_args(arguments)


def load(path: str) -> Tuple[np.ndarray, np.ndarray]:
    """uint8 [n, 28, 28, 1] and int32 [n]; leaves with one line if the file has them not."""
    try:
        if not os.path.isfile(path):  # a pipe or a device would keep np.load for ever
            raise ValueError('no regular file')
        with np.load(path) as arrays:
            return arrays['images'], arrays['labels']
    except Exception as error:  # damage leads the zip module into errors of many kinds
        sys.exit('error: %s: holds no images and labels (%s); --data is an .npz file of bench.compare' %
                 (path, ' '.join(str(error).split())))


def batches(n: int, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Endless batches of image numbers, int64 [B]: a new permutation each epoch, its rest carried over."""
    random = np.random.RandomState(seed)
    left = np.empty(0, np.int64)
    while True:
        while len(left) < batch_size:
            left = np.concatenate([left, random.permutation(n)])
        yield left[:batch_size]
        left = left[batch_size:]


def steps_per_call(steps: int) -> int:
    """Of loops that run many in a call: the most up to MOST_STEPS_PER_CALL that divide `steps`."""
    return max(n for n in range(1, MOST_STEPS_PER_CALL + 1) if steps % n == 0)


def time_steps(call: Callable[[], List[Any]], steps: int, warmup: int, batch_size: int) -> Dict[str, Any]:
    """Runs `call` until the steps are done and reports on the timed ones.

    Args:
      call: runs one or more steps and returns their losses, numbers or what float() makes numbers.
      steps: timed, from the end of the warm-up to the end of the last call.
      warmup: steps that come before, the first call among them.
    """
    began = time.perf_counter()
    losses = list(call())
    first_call_seconds = time.perf_counter() - began
    while len(losses) < warmup:
        losses.extend(call())
    warmed_up = len(losses)
    began = time.perf_counter()
    while len(losses) - warmed_up < steps:
        losses.extend(call())
    last = [float(loss) for loss in losses[-LOSSES_AVERAGED:]]  # before the clock stops: the last step must have ended
    seconds = time.perf_counter() - began
    done = len(losses) - warmed_up
    return {'images_per_second': done * batch_size / seconds, 'ms_per_step': 1e3 * seconds / done, 'steps': done,
            'warmup_steps': warmed_up, 'seconds': seconds, 'first_call_seconds': first_call_seconds,
            'final_loss': float(np.mean(last)), 'peak_rss_mb': peak_rss_mb()}


def peak_rss_mb() -> float:
    """The most memory this process ever had resident, in 10**6 bytes.

    Linux starts a child's count at its parent's: a process that is started to be measured needs a parent without
    TensorFlow, as bench's own are.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # ru_maxrss is in KiB on Linux


def report(timing: Dict[str, Any], software: str, how: str) -> None:
    """Prints the line of JSON; `software` is name and version, `how` what the loop does."""
    print(json.dumps(dict(timing, software=software, how=how)))
