"""Starts a process for each rank of a data-parallel training and watches over them.

  ./run_np.sh -n 2 --steps=1000                             2 ranks on this CPU
  ./run_np.sh --flagfile=npu.flags                          a rank for each NPU of this server in $RANK_TABLE_FILE
  ./run_np.sh -n 2 -m bench.perf --steps=1000               another module than lenet.train

Options, before the flags, which every rank gets:
  -n N          ranks on this machine; with NPUs the rank table says how many
  -m MODULE     what to run, lenet.train unless given
  --open_ports  leaves the ranks' ports open to the network, for systems on which the ranks cannot be closed off from
                it: whoever reaches the ports can run programs as you
  -h            this text; `python -m lenet.train --help` explains the flags

The first rank's output is shown, each one's is kept in --output_dir/ranks/rank_K.log. A rank that fails ends the
others. So does one that is stopped (SIGSTOP): on CPUs within 25 seconds, on NPUs after --rank_timeout seconds. With
several servers of NPUs, start this on each, SERVER_ID naming it as the rank table does. Several hosts without NPUs need
no launcher: TF_CONFIG tells each `python -m lenet.train` which rank it is.

Exit status: 0 when all ranks are done, that of the rank that failed first (128 + the signal that killed it), 2 wrong
command line, 130 Ctrl-C and 143 SIGTERM, which reach every rank; a second one kills them.
"""

import contextlib
import functools
import os
import re
import sys
from typing import Dict, Iterator, List, Sequence

from lenet import platforms
from lenet.errors import UsageError
from lenet.launcher import launch_env
from lenet.launcher import launch_options
from lenet.launcher import local_ranks
from lenet.launcher import rank
from lenet.launcher import supervise
from lenet.support import entry
from lenet.support import files
from lenet.support import locks
from lenet.support import machine
from lenet.support import progress


def main(arguments: List[str]) -> int:
    """Raises:
      UserError: the rank table is missing or wrong, the ranks cannot be closed off, or the logs not be written.
      UsageError: a wrong command line.
    """
    options = launch_options.parse(arguments)
    if options.help:
        print(__doc__.strip())
        return 0
    target = launch_options.target(options.arguments)
    if _is_for_npu(target):
        return _run(options, target, launch_env.npu(os.environ, options.ranks))
    if options.ranks is None:
        raise UsageError('-n is missing: how many ranks, as in ./run_np.sh -n 2 --steps=1000')
    if options.ranks > machine.usable_cores():
        progress.warn('-n %d: %d ranks share the %d usable core(s) of this machine' %
                      (options.ranks, options.ranks, machine.usable_cores()))
    return _run(options, target, launch_env.local(os.environ, local_ranks.find_addresses(
        options.ranks, options.open_ports, target.data_path)), local_ranks.share_cores(options.ranks))


def _is_for_npu(target: launch_options.Target) -> bool:
    if target.platform is None and os.environ.get(launch_env.TABLE):
        raise UsageError('%s is set, but --platform is not: add --flagfile=npu.flags for the NPUs of the table, or '
                         '--platform=cpu' % launch_env.TABLE)
    return platforms.resolve(target.platform or 'cpu') == 'npu'


def _run(options: launch_options.Options, target: launch_options.Target, environments: List[Dict[str, str]],
         shares: Sequence[Sequence[int]] = ()) -> int:
    """Runs a rank in each of `environments`, on its cores of `shares` where there are any."""
    numbers = [int(environment.get('RANK_ID', number)) for number, environment in enumerate(environments)]
    command = rank.command(options.module, options.arguments, os.getpid())
    with _logs(target.output_dir) as directory:
        return supervise.run(command, [
            supervise.Start(number, environment, os.path.join(directory, 'rank_%d.log' % number), cores)
            for number, environment, cores in zip(numbers, environments, shares or [()] * len(numbers))],
                             target.rank_timeout)


@contextlib.contextmanager
def _logs(output_dir: str) -> Iterator[str]:
    """The directory of the logs, without those of a former start, for this start alone."""
    directory = files.make_directory(os.path.join(output_dir, 'ranks'))
    busy = '--output_dir=%s: ranks of another start write there; choose another directory' % output_dir
    with locks.held(os.path.join(directory, '.lock'), busy, directory, 'choose another --output_dir'):
        for name in os.listdir(directory):
            if re.fullmatch(r'rank_\d+\.log', name, re.ASCII):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(directory, name))
        yield directory


if __name__ == '__main__':
    given, sys.argv[1:] = sys.argv[1:], []  # absl's flags are the ranks'
    entry.run(functools.partial(main, given))
