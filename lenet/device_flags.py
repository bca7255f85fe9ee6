"""Flags of training that go by what the device is: precision and loss scaling, and what an NPU alone takes."""

from absl import flags

from lenet.support.flag_parsing import MAX_COUNT, Definer

PRECISION_MODES = ['must_keep_origin_dtype', 'force_fp32', 'allow_mix_precision', 'allow_fp32_to_fp16', 'force_fp16',
                   'cube_fp16in_fp32out', 'allow_mix_precision_fp16', 'allow_mix_precision_bf16', 'allow_fp32_to_bf16']
PRECISION_MODES_V2 = ['origin', 'fp16', 'cube_fp16in_fp32out', 'mixed_float16', 'mixed_bfloat16', 'mixed_hif8',
                      'cube_hif8']
DUMP_MODES = ['output', 'input', 'all']
DUMP_DEBUG_MODES = ['all', 'aicore_overflow', 'atomic_overflow']
MAX_SCALE = 2.0 ** 126  # the largest whose inverse is a normal float32

flags.disclaim_key_flags()  # they are of lenet.flags, which asks for them


def define_precision(flag: Definer) -> None:
    flag.enum('precision_mode', None, PRECISION_MODES, 'What is lowered to float16: on the NPU by the graph engine '
              '(default allow_mix_precision), on the CPU by rounding (default must_keep_origin_dtype).')
    flag.enum('precision_mode_v2', None, PRECISION_MODES_V2, 'NPU only: the later names of precision, sent in the '
              'place of --precision_mode; adapters from before 2023 ignore it.')
    flag.bool('saturate', False, 'CPU only: float16 overflows become +-65504 and NaN 0, and a sticky status tells the '
              'loss scaling, as on the 910; otherwise infinities do.')
    flag.enum('loss_scale', None, ['none', 'fixed', 'dynamic'], 'Loss scaling; without it the reference flags '
              '--loss_scale_flag and --loss_scale_value decide.')
    flag.integer('loss_scale_flag', 0, '1 turns loss scaling on, dynamic or fixed at --loss_scale_value.', 0, 1)
    flag.float('loss_scale_value', 0, 'The fixed scale, >= 1; 0 is dynamic.', 0, MAX_SCALE)
    flag.float('loss_scale_init', None, "A dynamic scale's first value. Default: 2**15 with --loss_scale=dynamic, the "
               "reference's 2**32 with --loss_scale_flag=1.", 1, MAX_SCALE)
    flag.integer('loss_scale_increment_every', 1000, 'Consecutive steps without overflow before a dynamic scale grows.',
                 1, MAX_COUNT)
    flag.float('loss_scale_increment_ratio', 2.0, 'How much it grows.', 1.0, 65536.0)
    flag.integer('loss_scale_decrement_every', 2, 'Steps with overflow before a dynamic scale shrinks.', 1, MAX_COUNT)
    flag.float('loss_scale_decrement_ratio', 0.5, 'How much it shrinks, never below 1.', 1 / 65536, 0.99)
    flag.integer('max_skipped', 500, 'Consecutive steps, all with their update skipped, that end the run.', 1,
                 MAX_COUNT)
    flag.list('inject_overflow', [], 'Testing aid: numbers of steps, from 1, whose gradients are made to overflow, as '
              '3,17.')
    flag.integer('inject_overflow_rank', -1, 'Testing aid: the only rank that --inject_overflow is for; -1: all.', -1,
                 MAX_COUNT)


def define_npu(flag: Definer) -> None:
    flag.bool('profiling', False, 'NPU only: device profiling, into --output_dir/profiling.')
    flag.bool('over_dump', False, 'NPU only: dumps the inputs and outputs of overflowing operators into '
              '--output_dir/dump.')
    flag.integer('data_dump_flag', 0, 'NPU only: 1 dumps the tensors of --data_dump_step into --output_dir/dump.', 0, 1)
    flag.string('data_dump_step', '0|5|10', 'NPU only: the steps to dump, numbers or ranges: 0|5|10-20.')
    flag.enum('dump_mode', 'output', DUMP_MODES, 'NPU only: which tensors of an operator --data_dump_flag dumps.')
    flag.enum('dump_debug_mode', 'all', DUMP_DEBUG_MODES, 'NPU only: which overflows --over_dump looks for.')
    flag.string('profiling_fp_point', '', 'NPU only: first forward operator for --profiling; empty: found by itself.')
    flag.string('profiling_bp_point', '', 'NPU only: last backward operator for --profiling; empty: found by itself.')
    flag.path('modify_mixlist', None, 'NPU only: JSON file that changes which operators '
              '--precision_mode=allow_mix_precision lowers.')
    flag.integer('op_debug_level', 0, 'NPU only: debug information of compiled operators; not 0 switches the compile '
                 'cache off.', 0, 4)
    flag.bool('overflow_check', True, 'NPU only: a fixed loss scale skips updates that overflow; off where padding '
              'overflows falsely.')
    flag.bool('hcom_parallel', False, 'NPU only: gradients of several devices are summed while others are computed; '
              'costs more than it gives for so small a network.')
    flag.integer('hccl_timeout', 1836, 'NPU only: seconds that a device waits for the others.', 1, 17340)
    flag.integer('op_execute_timeout', 0, 'NPU only: seconds that an operator may take, such as one that waits for a '
                 "slow input; 0: the engine's own limit.", 0, MAX_COUNT)
    flag.bool('autotune', False, 'NPU only, and only in early toolkits: accepted from reference command lines, '
              'answered with a warning.')
