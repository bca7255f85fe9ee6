"""Times the very step that training runs.

  python -m bench.perf --steps 1000                            one measurement
  python -m bench.perf --steps 1000 --flagfile=npu.flags       with any flags of training
  python -m bench.perf --steps 1000 --trace=trace.json         also a Chrome trace of one step, and its costliest ops
  python -m bench.perf --sweep=iterations_per_loop=1,10,50,100      several, in processes of their own
  python -m bench.perf --sweep=batch_size=16,64,256,1024,4096 --cores=1,2 --plot=scaling.png

Training's flags mean what they mean there, so that --steps x --epochs steps are timed; --epochs is 1 unless given.
Writes nothing but --json_out, --trace and --plot. Exit statuses: 0 done, 1 failed, 2 wrong command line.
"""

import functools
import json
from typing import Any

from absl import flags as absl_flags

from bench import bench_flags
from bench import text
from lenet import flags
from lenet import platforms
from lenet.support import entry
from lenet.support import files
from lenet.support import stack

FLAGS = absl_flags.FLAGS


def main() -> None:
    bench_flags.check(FLAGS)
    bench_flags.check_sweep(FLAGS)
    if FLAGS.sweep is None:
        run_measurement()
    else:
        run_sweep()


def run_measurement() -> None:
    bench_flags.restrict_cores(FLAGS)
    params = flags.read()
    params = flags.complete(params, platforms.resolve(params.platform))
    warmup = bench_flags.warmup_steps(params, FLAGS.warmup)
    with stack.importing():  # seconds of imports, after the command line is known to be right
        from bench import measure
        from bench import op_trace
        from lenet.checks import ready
        from lenet.data import dataset
    if FLAGS.trace is not None:
        op_trace.check(params.platform)
    data = dataset.open_for(params, params.num_classes)
    ready.require(params)
    platform = platforms.choose(params).start()
    report = measure.measure(params, warmup, platform, data, FLAGS.constant_input)
    reports = platform.ranks.rank == 0  # all are measured, and traced: none can run a step alone
    if reports and FLAGS.json_out is not None:
        files.write_json(FLAGS.json_out, report)
    if reports:
        print(json.dumps(report) if FLAGS.format == 'json' else '\n'.join(text.measurement(report)), flush=True)
    if FLAGS.trace is not None:
        metadata = op_trace.record(params, platform, data)
        if reports:
            write_trace(metadata)


def write_trace(metadata: Any) -> None:
    from bench import op_trace
    op_trace.write(metadata, FLAGS.trace)
    costs = op_trace.costs(metadata)
    print('\n%s: one step with N = 1, slowed by the tracing; the costliest of its %d ops:' % (FLAGS.trace, len(costs)))
    print('\n'.join(text.costliest(costs[:op_trace.COSTLIEST], sum(cost.milliseconds for cost in costs))))


def run_sweep() -> None:
    from bench import sweep
    if FLAGS.plot is not None:
        from bench import plot  # first: without matplotlib it fails now rather than in an hour
    counts = [int(count) for count in FLAGS.cores]
    points = sweep.make_points(FLAGS.sweep, counts, flags.read(), FLAGS.warmup)
    report = sweep.run(sweep.split(FLAGS.sweep)[0], points, FLAGS.rounds or sweep.DEFAULT_ROUNDS,
                       functools.partial(print, flush=True))
    if FLAGS.json_out is not None:
        files.write_json(FLAGS.json_out, report)
    if FLAGS.plot is not None:
        plot.draw(report, FLAGS.plot)
    print('\n'.join(sweep.lines(report)))


if __name__ == '__main__':
    bench_flags.define_perf()
    absl_flags.adopt_module_key_flags(flags)
    absl_flags.adopt_module_key_flags(bench_flags)
    entry.run(main)
