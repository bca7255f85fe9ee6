"""What the launcher's tests run as ranks: `-m tests.rank_module ACTION …`. Only `allreduce` needs TensorFlow."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from lenet.ranks import cluster
from lenet.support import machine


def number():
    if 'TF_CONFIG' in os.environ:
        return cluster.read(os.environ).rank
    return int(os.environ['RANK_ID'])


def environment(*unused):
    """Prints the arguments and the environment."""
    print(json.dumps({'arguments': sys.argv[1:], 'environment': dict(os.environ), 'usable': machine.usable_cores(),
                      'cores': sorted(os.sched_getaffinity(0)), 'interfaces': socket.if_nameindex(),
                      'network': os.readlink('/proc/self/ns/net')}))


def speak():
    """Prints on both streams."""
    print('rank %d speaks' % number())
    print('rank %d warns' % number(), file=sys.stderr)
    print('no newline', end='')


def draw():
    """Prints what bars look like."""
    print('terminal: %s' % sys.stdout.isatty())
    print('\rhalf\rwhole\rdone')


def end(*how):
    """Ends as the argument of this rank says: a status, -signal, 'wait' to be ended, 'deaf' not to be by SIGTERM."""
    mine = how[number()]
    if mine == 'deaf':
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print('rank %d is here' % number(), flush=True)
    if mine in ('wait', 'deaf'):
        time.sleep(600)
    if 'deaf' in how:
        wait_for(how.index('deaf'))
    if mine.startswith('-'):
        os.kill(os.getpid(), -int(mine))
    sys.exit(int(mine))


def log_of(other):
    directory = next(argument.split('=')[1] for argument in sys.argv if argument.startswith('--output_dir='))
    return open(os.path.join(directory, 'ranks/rank_%d.log' % other)).read()


def wait_for(other):
    while 'is here' not in log_of(other):
        pass


def halt(how):
    """Rank 1 is stopped; once it is, the others wait without end or end with a status."""
    if number() == 1:
        print(os.getpid(), flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(600)
    while not log_of(1).endswith('\n'):
        pass
    while ') T ' not in open('/proc/%s/stat' % log_of(1).strip()).read():
        pass
    if how == 'wait':
        time.sleep(600)
    sys.exit(int(how))


def stop():
    """Ends when it gets a signal, of which it tells."""
    def handler(signum, frame):
        print('stopped by', signum, flush=True)
        sys.exit(128 + signum)
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, handler)
    print('ready', os.getpid(), flush=True)
    while True:
        time.sleep(600)


def listen():
    """Opens this rank's port as TensorFlow does, to all interfaces, until it is ended."""
    listening = socket.socket()
    listening.bind(('', int(cluster.read(os.environ).addresses[number()].rpartition(':')[2])))
    listening.listen(5)
    print('listening', os.getpid(), flush=True)
    time.sleep(600)


def family():
    """Leaves a process behind, which holds the streams open."""
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
    print(child.pid)


if __name__ == '__main__':
    globals()[sys.argv[1]](*[argument for argument in sys.argv[2:] if not argument.startswith('--')])
