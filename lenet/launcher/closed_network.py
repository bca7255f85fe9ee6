"""A network of their own for the ranks of this machine, in which there is nothing but loopback.

TensorFlow's server listens on every interface, whatever address it is given, and runs any graph that reaches it, file
operators included. In a network namespace without interfaces nothing from outside can.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

from lenet.errors import UserError

OPTION = '--open_ports'
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # linux/sched.h
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h
_REQUEST = '16sH14x'  # struct ifreq


def enter() -> None:
    """Moves this process, and so what it starts from now on, there. It must have one thread.

    Raises:
      UserError: the system does not allow it.
    """
    try:
        _leave_network()
        _start_loopback()
    except (OSError, AttributeError) as error:
        raise UserError('the ranks cannot be closed off from the network (%s), and whoever reaches their ports can run '
                        'programs as you; %s before all flags accepts that, ./run_1p.sh does without ranks' %
                        (getattr(error, 'strerror', None) or 'this is no Linux', OPTION))


def _leave_network() -> None:
    if not sys.platform.startswith('linux'):
        raise AttributeError('unshare')
    try:
        _unshare(_NEW_NET)
    except PermissionError:  # who is not root may where he is the root of a namespace of users
        user, group = os.getuid(), os.getgid()
        _unshare(_NEW_USER | _NEW_NET)
        _write('setgroups', 'deny')  # without which the next but one is refused
        _write('uid_map', '%d %d 1' % (user, user))
        _write('gid_map', '%d %d 1' % (group, group))


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _write(name: str, text: str) -> None:
    with open('/proc/self/' + name, 'w') as stream:
        stream.write(text)


def _start_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack(_REQUEST, b'lo', 0))
        flags = struct.unpack(_REQUEST, request)[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_REQUEST, b'lo', flags | _UP))
