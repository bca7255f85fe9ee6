"""What bench.compare sets beside each other: the commands that measure each contender."""

import os
from typing import Any, Dict, List, NamedTuple, Optional

from bench import bench_flags
from bench import children
from lenet import flags
from lenet.errors import UsageError, UserError
from lenet.flags import Params
from lenet.support import modules

OURS_ELSEWHERE = 'ours_peer'  # under --peer_python, such as the other stack's
OURS = {'ours': ['bench.perf'], OURS_ELSEWHERE: ['bench.perf'], 'ours_whole': ['bench.whole'],
        'ours_2ranks': ['lenet.launch', '-n', '2', '-m', 'bench.perf'],
        'ours_4ranks': ['lenet.launch', '-n', '4', '-m', 'bench.perf']}
REFERENCES = {'reference': [], 'reference_summary': ['--summary']}


class Peer(NamedTuple):
    """A contender that another interpreter runs."""

    module: str
    package: str  # that the interpreter must have
    options: List[str]


PEERS = {'pytorch': Peer('bench.pytorch_loop', 'torch', []),
         'pytorch_channels_last': Peer('bench.pytorch_loop', 'torch', ['--channels_last']),
         'pytorch_compiled': Peer('bench.pytorch_loop', 'torch', ['--compile']),
         'jax': Peer('bench.jax_loop', 'jax', []),
         'keras': Peer('bench.keras_loop', 'tensorflow', [])}
KINDS = list(OURS) + list(REFERENCES) + list(PEERS)

PEER_WARMUP = 100  # steps, for all loops but ours: at least as many as any of them needed to become steady


class Contender(NamedTuple):
    """One of --contenders."""

    label: str
    kind: str  # one of KINDS
    flags: List[str]  # added to the command line, ours alone


def parse(text: str) -> List[Contender]:
    """The contenders that --contenders names.

    Raises:
      UsageError: fewer than two, an unknown one, the same label twice, or flags for another program.
    """
    contenders = [_parse_one(item.strip()) for item in text.split(',')]
    labels = [contender.label for contender in contenders]
    if len(contenders) < 2:
        raise UsageError('--contenders=%s: at least two are compared' % text)
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError('--contenders=%s: two are called %r, name one as LABEL=…' % (text, label))
    return contenders


def _parse_one(item: str) -> Contender:
    head, _, added = item.partition(':')
    label, _, kind = head.rpartition('=')
    if kind not in KINDS:
        raise UsageError('--contenders: %r is none of %s' % (kind, ', '.join(KINDS)))
    if added and kind not in OURS:
        raise UsageError('--contenders: %s takes no flags, got %r' % (kind, added))
    return Contender(label or item, kind, added.split())


def needs_data_file(contender: Contender) -> bool:
    """Whether it reads the .npz of --data: all but ours, which open the data as training does."""
    return contender.kind not in OURS


def command(contender: Contender, params: Params, warmup: Optional[int], data_file: str,
            peer_python: Optional[str]) -> List[str]:
    """The command line of one measurement.

    Args:
      params: as read, not completed: what is left open may depend on a contender's own flags.
      warmup: --warmup, None for each contender's default.
      data_file: the .npz of the training images.
    """
    added = [] if warmup is None else ['--warmup=%d' % warmup]
    if 'bench.perf' in OURS.get(contender.kind, []):
        added += ['--noconstant_input', '--format=json']
    if contender.kind.endswith('ranks'):
        added += ['--output_dir=' + os.path.dirname(data_file)]  # of their logs
    if contender.kind in OURS:
        python = peer_python if contender.kind == OURS_ELSEWHERE else None
        module, own = OURS[contender.kind][0], OURS[contender.kind][1:]
        return modules.command(module, own + flags.to_lines(params) + added + contender.flags, python)
    options = ['--data=' + data_file, '--batch_size=%d' % params.batch_size,
               '--steps=%d' % bench_flags.timed_steps(params),
               '--warmup=%d' % (PEER_WARMUP if warmup is None else warmup),
               '--learning_rate=%r' % params.learning_rate, '--seed=%d' % params.seed]
    if contender.kind in REFERENCES:
        return modules.command('bench.reference_loop', options + REFERENCES[contender.kind])
    peer = PEERS[contender.kind]
    return modules.command(peer.module, options + peer.options, peer_python)


def measure(contender: Contender, command_line: List[str]) -> Dict[str, Any]:
    """Runs one measurement; see children.run."""
    return children.run(command_line, contender.label, inherit=not _needs_peer(contender.kind))


def check_peers(contenders: List[Contender], peer_python: Optional[str]) -> None:
    """Raises:
      UsageError: a contender needs --peer_python and it is not given, or no program.
      UserError: that interpreter cannot import what the contender needs.
    """
    for contender in contenders:
        if _needs_peer(contender.kind):
            _check_peer(contender.kind, peer_python)


def _needs_peer(kind: str) -> bool:
    return kind in PEERS or kind == OURS_ELSEWHERE


def _check_peer(kind: str, peer_python: Optional[str]) -> None:
    package = PEERS[kind].package if kind in PEERS else 'tensorflow'
    if not peer_python:
        raise UsageError('--contenders: %s needs --peer_python, an interpreter that has %s' % (kind, package))
    if not os.access(peer_python, os.X_OK) or os.path.isdir(peer_python):
        raise UsageError('--peer_python=%s: is no program; give the path of an interpreter that has %s' %
                         (peer_python, package))
    probe = 'import importlib.util as u, json; print(json.dumps({n: bool(u.find_spec(n)) for n in ("numpy", "%s")}))'
    has = children.run([peer_python, '-c', probe % package], '--peer_python=%s' % peer_python, inherit=False)
    missing = [name for name in sorted(has) if not has[name]]
    if missing:
        raise UserError('--peer_python=%s: has no %s, which %s needs; install it there or give another interpreter' %
                        (peer_python, ' and no '.join(missing), kind))
