"""The rules by name, and what happens when one is broken: an exception, a journal entry, exit status 97."""

import os
import sys
from typing import List, NamedTuple

from standin import journal, settings

EXIT_STATUS = 97


class Rule(NamedTuple):
    """A rule of the Ascend documentation."""

    text: str  # what the documentation asks for
    silent: bool = False  # True: a device that sees it broken says nothing


RULES = {
    'import-npu-init': Rule('import deep modules only: npu_init patches tf.Session.__init__'),

    'config-optimizer': Rule('a session has one custom optimizer, NpuOptimizer; any other name means the CPU', True),
    'config-key': Rule('an unknown key of the parameter_map is ignored', True),
    'config-field': Rule('a value in the wrong field is read as false, 0 or empty', True),
    'config-value': Rule('an illegal value aborts the process'),
    'config-required': Rule('use_off_line must be True and precision_mode must be set'),
    'config-rewriters': Rule('remapping and memory_optimization are explicitly OFF, all other rewriters left alone'),
    'config-placement': Rule('allow_soft_placement must be True'),
    'config-sinking': Rule('with iterations_per_loop > 1, enable_data_pre_proc must be True and mix_compile_mode False',
                           True),
    'config-dump': Rule('dumps need an existing writable dump_path; enable_dump and enable_dump_debug exclude each '
                        'other'),
    'config-profiling': Rule('profiling_options is JSON of known keys, its output directory exists'),
    'config-mixlist': Rule('modify_mixlist is a file of JSON, black-list/white-list x to-add/to-remove, and needs '
                           'allow_mix_precision'),
    'config-precision': Rule('precision_mode and precision_mode_v2 exclude each other; a 910 has no bfloat16'),
    'config-process': Rule('precision, profiling and graph_run_mode hold for the whole process: the first session '
                           'decides', True),

    'env-device': Rule('ASCEND_DEVICE_ID (or DEVICE_ID) is an integer from 0 on; an empty one is none'),
    'env-cluster': Rule('CM_WORKER_SIZE excludes RANK_SIZE, CM_CHIEF_IP excludes RANK_TABLE_FILE'),
    'env-ranks': Rule('several ranks need RANK_TABLE_FILE, RANK_ID, JOB_ID and ASCEND_DEVICE_ID that agree'),

    'run-initializers-together': Rule('an iterator and variables initialized in one run: the graph stays on the host, '
                                      'all variables become zero', True),
    'run-iterator-uninitialized': Rule('an iterator is initialized, in a run of its own, before it is read'),
    'run-one-shot': Rule('iterator_per_loop only support 1 when using OneShotIterator'),
    'run-string-handle': Rule('a string-handle iterator does not offload: one step per run', True),
    'run-dynamic-shape': Rule('sinking needs static shapes: batch(drop_remainder=True)', True),
    'run-float64': Rule('no float64 on the device'),
    'run-queue': Rule('no queues and no readers'),
    'run-pipeline-variable': Rule('no tf.Variable inside the dataset pipeline'),
    'run-while-loop': Rule('on the NPU the loop is set_iteration_per_loop, not tf.while_loop'),
    'run-summary': Rule("summaries can't come back from the device: write tf.Summary protos on the host"),
    'run-fetch-lists': Rule('one fixed fetch list: every new one recompiles', True),
    'run-shared-iterator': Rule('evaluation needs an iterator of its own'),
    'run-exhausted': Rule('what happens when the data end inside a loop is unknown: repeat() them'),
    'run-inference-mode': Rule('graph_run_mode 0 is for inference; training needs 1'),
    'run-after-close': Rule('nothing runs after shutdown_system or npu_close'),

    'ops-list': Rule('without npu_supported_ops.json under ASCEND_OPP_PATH the whole graph stays on the host', True),
    'ops-step': Rule('an operator of the step that npu_supported_ops.json lacks stays on the host: one step per run',
                     True),
    'ops-fixed': Rule('what the host computes of a sunk step it computes once: N steps on the same value', True),

    'sink-twice': Rule('set_iteration_per_loop is called once: a second call yields IterationOp_1', True),
    'sink-scope': Rule('set_iteration_per_loop is called outside any scope: the node is named IterationOp', True),
    'sink-uninitialized': Rule("the loop's variables are loaded after every initializer has run", True),
    'sink-value': Rule("set_iteration_per_loop's value equals the parameter_map's iterations_per_loop", True),
    'sink-host': Rule('sinking needs a session with NpuOptimizer', True),
    'sink-reset': Rule("a local_variables_initializer run later zeroes the loop's variables", True),
    'sink-not-loaded': Rule("the loop's variables are loaded in the very session that runs"),
    'sink-bypassed': Rule('with iterations_per_loop > 1 run what set_iteration_per_loop returned', True),

    'scale-control-dependencies': Rule('never build the dynamic manager inside tf.control_dependencies'),
    'scale-raw-gradients': Rule('scale through compute_gradients or minimize, never raw tf.gradients'),
    'scale-manager': Rule("NPULossScaleOptimizer takes npu_bridge's own loss-scale managers"),

    'hccl-ranks': Rule('without several ranks HCCL is not initialized'),
    'hccl-wrapping': Rule('NPULossScaleOptimizer(NPUDistributedOptimizer(base), manager, is_distributed=True)'),
    'hccl-late': Rule('broadcast comes before set_iteration_per_loop and before training'),
    'hccl-missing': Rule('after initialization or restore one grouped run broadcasts every float trainable variable'),
    'hccl-gradients': Rule('several ranks average their gradients: NPUDistributedOptimizer'),

    'exit-open-session': Rule('close the session'),
}

_noted: List[str] = []


class StandinViolation(RuntimeError):
    """The program broke a rule; `.rule` is its name in RULES."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__('%s: %s (%s)' % (rule, detail, RULES[rule].text))
        self.rule = rule


def note(rule: str, detail: str) -> StandinViolation:
    """Records a violation where none can be raised."""
    violation = StandinViolation(rule, detail)
    _noted.append(str(violation))
    journal.record('violation', rule=rule, detail=detail)
    return violation


def violate(rule: str, detail: str) -> None:
    """Raises StandinViolation; in silent mode, a rule that the device breaks silently is only journaled."""
    if RULES[rule].silent and settings.silent():
        journal.record('silent', rule=rule, detail=detail)
        return
    raise note(rule, detail)


def fail_process() -> None:
    """At exit: if there are violations, prints them and ends the process with EXIT_STATUS at once."""
    journal.record('exit', violations=len(_noted))
    if not _noted:
        return
    sys.stdout.flush()
    print('npu_bridge stand-in: %d violation(s)' % len(_noted), file=sys.stderr)
    for text in _noted:
        print('  ' + text, file=sys.stderr)
    sys.stderr.flush()
    os._exit(EXIT_STATUS)
