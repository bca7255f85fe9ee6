"""Real kills: SIGKILL at the k-th change of a name in a directory, for every k."""

import os
import signal

CHANGES = ('link', 'mkdir', 'remove', 'rename', 'replace', 'rmdir', 'symlink', 'unlink')


def die_at(call, modules=((os, CHANGES),)):
    """From now on this process kills itself just before the `call`-th call, from 0, of the functions named."""
    left = [call]

    def dying(function):
        def counted(*arguments, **options):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return function(*arguments, **options)
        return counted
    for module, names in modules:
        for name in names:
            setattr(module, name, dying(getattr(module, name)))


def killed_child(function):
    """Runs `function` in a fork; True if SIGKILL ended it, False if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            function()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status != 0


def at_every_change(function, modules=((os, CHANGES),)):
    """Runs `function` in forks that are killed at its first change of a name, its second and so on, until one comes to
    its end; yields the number of each that was killed, after its death."""
    for call in range(1000):
        def run():
            die_at(call, modules)
            function()
        if not killed_child(run):
            assert call, 'it changed no name'
            return
        yield call
    raise AssertionError('no end')
