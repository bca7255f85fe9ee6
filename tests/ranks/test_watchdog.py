import subprocess
import sys

from tests import processes


def test_a_rank_that_stands_still_ends_in_one_line():
    program = ('import threading\nfrom lenet.ranks.watchdog import Watchdog\n'
               'with Watchdog(0.2, 3).watching():\n    threading.Event().wait(60)')
    ended = subprocess.run([sys.executable, '-c', program], cwd=processes.ROOT, stderr=subprocess.PIPE,
                           universal_newlines=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.startswith('error: rank 3: no session.run has ended for --rank_timeout=0.2 seconds')
    assert len(ended.stderr.splitlines()) == 1


def test_the_end_of_the_block_ends_the_watch():
    program = ('import threading, time\nfrom lenet.ranks.watchdog import Watchdog\n'
               'with Watchdog(0.2, 3).watching():\n    print(threading.active_count())\n'
               'print(threading.active_count())\ntime.sleep(0.5)\nprint("lives")')
    ended = subprocess.run([sys.executable, '-c', program], cwd=processes.ROOT, stdout=subprocess.PIPE,
                           universal_newlines=True, timeout=30)
    assert (ended.returncode, ended.stdout.split()) == (0, ['2', '1', 'lives'])
