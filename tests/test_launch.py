"""The launcher as users meet it: `python -m lenet.launch …`.

Most ranks here are NPU ranks, for a table says who they are and they need nothing: what a rank runs is a test's module.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from tests import processes
from tests.checks.test_rank_table import instance, template_2

MODULE = 'tests.rank_module'


def rank_table(directory, servers=1, devices=2, first=0):
    table = {'status': 'completed', 'version': '1.0', 'server_count': str(servers), 'server_list': [
        {'server_id': '10.0.0.%d' % s, 'device': [
            {'device_id': str(first + d), 'device_ip': '192.168.%d.%d' % (s, d), 'rank_id': str(s * devices + d)}
            for d in range(devices)]} for s in range(servers)]}
    path = directory / 'ranks.json'
    path.write_text(json.dumps(table))
    return str(path)


def environment(tmp_path, **variables):
    if 'RANK_TABLE_FILE' not in variables:
        variables['RANK_TABLE_FILE'] = rank_table(tmp_path)
    return dict(dict(os.environ, PYTHONPATH=processes.ROOT), **variables)


def start(tmp_path, action, *rest, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables):
    command = [sys.executable, '-m', 'lenet.launch', '-m', MODULE, action, '--platform=npu',
               '--output_dir=%s' % (tmp_path / 'out')] + list(rest)
    return processes.start(command, stdout=stdout, stderr=stderr, env=environment(tmp_path, **variables))


def run(tmp_path, action, *rest, **variables):
    process = start(tmp_path, action, *rest, **variables)
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def log(tmp_path, rank):
    return (tmp_path / 'out/ranks' / ('rank_%d.log' % rank)).read_text()


def is_running(pid):
    try:
        with open('/proc/%d/stat' % pid) as stream:
            return stream.read().rsplit(')')[-1].split()[0] != 'Z'
    except OSError:
        return False


def usage(*arguments, **variables):
    """The line in which a command line is refused, with status 2, or another error told."""
    ended = processes.run_module('lenet.launch', *arguments, **dict(dict(RANK_TABLE_FILE=''), **variables))
    assert ended.stdout == '' and len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith('error: ')
    return ended.returncode, ended.stderr


# --- Output -----------------------------------------------------------------------------------------------------------


def test_first_rank_is_shown_and_all_are_kept(tmp_path):
    ended = run(tmp_path, 'speak')
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, 'rank 0 speaks\nno newline', 'rank 0 warns\n')
    assert sorted(log(tmp_path, 0).splitlines()) == ['no newline', 'rank 0 speaks', 'rank 0 warns']
    assert sorted(log(tmp_path, 1).splitlines()) == ['no newline', 'rank 1 speaks', 'rank 1 warns']


def test_logs_of_a_former_start_are_gone(tmp_path):
    run(tmp_path, 'speak', RANK_TABLE_FILE=rank_table(tmp_path, devices=4))
    assert run(tmp_path, 'speak', RANK_TABLE_FILE=rank_table(tmp_path)).returncode == 0
    assert sorted(os.listdir(str(tmp_path / 'out/ranks'))) == ['.lock', 'rank_0.log', 'rank_1.log']


def test_terminal_of_the_launcher_is_the_first_ranks_too_and_bars_are_not_kept(tmp_path):
    ours, theirs = pty.openpty()
    process = start(tmp_path, 'draw', stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b''
    try:
        while True:
            chunk = os.read(ours, 4096)
            shown += chunk
            if not chunk:
                break
    except OSError:
        pass
    os.close(ours)
    assert process.wait(30) == 0
    assert shown == b'terminal: True\r\n\rhalf\rwhole\rdone\r\n'
    assert log(tmp_path, 0) == 'terminal: True\ndone\n' and log(tmp_path, 1).startswith('terminal: False')


def test_reader_that_goes_away_stops_nothing(tmp_path):
    source, sink = os.pipe()
    process = start(tmp_path, 'speak', stdout=sink)
    os.close(source)
    os.close(sink)
    process.communicate(timeout=30)
    assert process.returncode == 0 and 'rank 0 speaks' in log(tmp_path, 0)


# --- Ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('ends, status, says', [
    (['0', '0'], 0, ''),
    (['7', '7'], 7, r'error: rank \d ended with status 7, so the others were stopped; its output is in .*\n'),
    (['0', '3'], 3, r'error: rank 1 ended with status 3, so the others were stopped; its output is in '
                    r'.*/ranks/rank_1\.log: rank 1 is here\n'),
    (['wait', '-9'], 137, r'error: rank 1 was killed by SIGKILL, so the others .*rank_1\.log: rank 1 is here\n'),
    (['4', 'wait'], 4, r'error: rank 0 ended with status 4, so the others were stopped; its output is in .*0\.log\n'),
])
def test_rank_that_fails_ends_the_others_and_gives_the_status(tmp_path, ends, status, says):
    ended = run(tmp_path, 'end', *ends)
    assert ended.returncode == status
    assert re.fullmatch(says, ended.stderr), ended.stderr


@pytest.mark.parametrize('how, limit, status', [('wait', '1', 143), ('3', '600', 3)], ids=['for too long', 'one fails'])
def test_a_rank_that_is_stopped_is_named_as_the_cause(tmp_path, how, limit, status):
    ended = run(tmp_path, 'halt', how, '--rank_timeout=' + limit)
    assert ended.returncode == status
    assert re.fullmatch(r'error: rank 1 did not go on after it had been stopped .*rank_1\.log\n', ended.stderr)


@pytest.mark.slow
def test_rank_that_does_not_stop_is_killed(tmp_path):
    ended = run(tmp_path, 'end', '3', 'deaf')
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[0] == 'warning: rank 1 did not stop and is killed'


@pytest.mark.parametrize('signum', [signal.SIGINT, signal.SIGTERM])
def test_signal_reaches_every_rank_once(tmp_path, signum):
    process = start(tmp_path, 'stop')
    assert process.stdout.readline().startswith('ready')
    while 'ready' not in log(tmp_path, 1):
        pass
    process.send_signal(signum)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (128 + signum, 'stopped by %d\n' % signum, '')
    assert log(tmp_path, 1).splitlines()[1:] == ['stopped by %d' % signum]


def test_second_signal_kills(tmp_path):
    process = start(tmp_path, 'end', 'deaf', 'deaf')
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[1].splitlines()[-1] in ('stopped by SIGINT', 'stopped by SIGTERM')
    assert process.returncode in (130, 143)


def test_no_rank_outlives_a_killed_launcher(tmp_path):
    process = start(tmp_path, 'stop')
    process.stdout.readline()
    while not all(log(tmp_path, rank).endswith('\n') for rank in (0, 1)):
        pass
    ranks = [int(log(tmp_path, rank).split()[1]) for rank in (0, 1)]
    process.kill()
    process.communicate()
    while any(map(is_running, ranks)):  # pytest's own limit ends this
        pass


def test_what_a_rank_leaves_behind_ends_with_it(tmp_path):
    ended = run(tmp_path, 'family')
    assert (ended.returncode, ended.stderr) == (0, '')
    while is_running(int(ended.stdout)) or is_running(int(log(tmp_path, 1))):
        pass


# --- Who a rank is ----------------------------------------------------------------------------------------------------


def told(tmp_path, rank):
    return json.loads(log(tmp_path, rank))['environment']


def test_npu_ranks_are_those_of_the_table(tmp_path):
    path = os.path.relpath(rank_table(tmp_path, first=4), processes.ROOT)
    ended = run(tmp_path, 'environment', '--batch_size=13', 'two words', RANK_TABLE_FILE=path, RANK_SIZE='8',
                HOROVOD_RANK='5')
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)['arguments'][-2:] == ['--batch_size=13', 'two words']
    for rank in (0, 1):
        variables = told(tmp_path, rank)
        assert 'HOROVOD_RANK' not in variables
        assert {name: variables[name] for name in ('RANK_ID', 'RANK_SIZE', 'ASCEND_DEVICE_ID', 'JOB_ID')} == {
            'RANK_ID': str(rank), 'RANK_SIZE': '2', 'ASCEND_DEVICE_ID': str(4 + rank), 'JOB_ID': '10087'}
        assert variables['RANK_TABLE_FILE'] == str(tmp_path / 'ranks.json')


def test_npu_ranks_of_a_table_of_template_2(tmp_path):
    path = tmp_path / 'ranks.json'
    path.write_text(json.dumps(template_2(instance(4, 1), instance(5, 0))))
    assert run(tmp_path, 'environment', RANK_TABLE_FILE=str(path)).returncode == 0
    assert [told(tmp_path, rank)['ASCEND_DEVICE_ID'] for rank in (0, 1)] == ['5', '4']


def test_one_of_several_servers_starts_its_own_ranks(tmp_path):
    table = rank_table(tmp_path, servers=2)
    ended = run(tmp_path, 'environment', RANK_TABLE_FILE=table, SERVER_ID='10.0.0.1', JOB_ID='7')
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)['environment']['RANK_ID'] == '2'  # the first of this server is shown
    variables = told(tmp_path, 3)
    assert [variables[name] for name in ('RANK_ID', 'RANK_SIZE', 'ASCEND_DEVICE_ID', 'JOB_ID')] == ['3', '4', '1', '7']
    assert not (tmp_path / 'out/ranks/rank_0.log').exists()


@pytest.mark.parametrize('server', [{}, {'SERVER_ID': 'elsewhere'}])
def test_server_that_is_not_told_apart_is_asked_for(tmp_path, server):
    status, line = usage('--platform=npu', RANK_TABLE_FILE=rank_table(tmp_path, servers=2), **server)
    assert status == 1 and 'export SERVER_ID' in line and '10.0.0.0, 10.0.0.1' in line
    assert server.get('SERVER_ID', 'not set') in line


def test_wrong_table_is_told_in_one_line(tmp_path):
    (tmp_path / 'empty').write_text('')
    for path, words in ((tmp_path / 'empty', 'no JSON'), (tmp_path, 'Is a directory'),
                        (tmp_path / 'no', 'cannot be read'),
                        (rank_table(tmp_path, devices=0), 'a list [...] of at least one')):
        status, line = usage('--platform=npu', RANK_TABLE_FILE=str(path))
        assert status == 1 and str(path) in line and words in line
    assert usage('--platform=npu')[0] == 1


def test_table_and_number_of_ranks_agree(tmp_path):
    status, line = usage('-n', '3', '--platform=npu', RANK_TABLE_FILE=rank_table(tmp_path))
    assert status == 2 and line.startswith('error: -n 3: ') and 'has 2 of them' in line
    assert run(tmp_path, 'end', '0', '0').returncode == 0


# --- The command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('arguments, words', [
    (['-n', '0'], "-n '0'"), (['-n', 'abc'], "-n 'abc'"), (['-n', '-2'], "-n '-2'"), (['-n', '100000'], '1 to 256'),
    (['-n'], '-n: a value is missing'), ([], '-n is missing'), (['--steps=3', '-n', '2'], 'go before all flags'),
    (['-n', '2', '-m', 'nowhere.at_all'], "-m 'nowhere.at_all'"), (['-m', ''], "-m ''"), (['-m', '../x'], "-m '../x'"),
    (['-H', 'one'], '-H one: hosts are written'), (['-n', '5', '-H', 'one:2,two:2'], 'has room for 4'),
    (['-H', 'one:2', '--platform=npu'], 'on each server'), (['-n', '2', '--flagfile=nowhere.flags'], 'nowhere.flags'),
])
def test_wrong_command_line_ends_in_one_line_and_status_2(arguments, words):
    status, line = usage(*arguments)
    assert status == 2 and words in line


def test_what_every_rank_refuses_is_told_by_the_shown_one_or_in_the_line_about_another(tmp_path):
    ended = processes.run_module('lenet.launch', '--platform=npu', '--batch_size=0',
                               '--output_dir=%s' % (tmp_path / 'out'), RANK_TABLE_FILE=rank_table(tmp_path))
    lines = ended.stderr.splitlines()
    assert ended.returncode == 2 and 1 <= len(lines) <= 2
    line_of_either = re.compile('error: (rank 1 ended with status 2, .*: error: )?flag --batch_size=0: ')
    assert all(map(line_of_either.match, lines))


def test_table_without_a_platform_is_ambiguous(tmp_path):
    status, line = usage('-n', '2', RANK_TABLE_FILE=rank_table(tmp_path))
    assert status == 2 and '--flagfile=npu.flags' in line and '--platform=cpu' in line


def test_help_is_printed():
    ended = processes.run_module('lenet.launch', '--help')
    assert ended.returncode == 0 and '-n N' in ended.stdout


def test_output_dir_may_be_in_a_flagfile_and_must_be_a_directory(tmp_path):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'my.flags').write_text('--platform=npu\n--output_dir=%s\n' % (tmp_path / 'file'))
    status, line = usage('--flagfile=%s' % (tmp_path / 'my.flags'), RANK_TABLE_FILE=rank_table(tmp_path))
    assert status == 1 and str(tmp_path / 'file') in line


def test_two_starts_do_not_share_an_output_dir(tmp_path):
    process = start(tmp_path, 'stop')
    process.stdout.readline()
    second = run(tmp_path, 'speak')
    process.terminate()
    process.communicate()
    assert second.returncode == 1 and 'ranks of another start write there' in second.stderr
    assert 'stopped by 15' in log(tmp_path, 0)


# --- Horovod ----------------------------------------------------------------------------------------------------------


def run_horovod(tmp_path, count, action, **variables):
    return processes.run_module('lenet.launch', '-n', str(count), '-m', MODULE, action,
                              '--output_dir=%s' % (tmp_path / 'out'), **dict(dict(RANK_TABLE_FILE=''), **variables))


def needs_horovod():
    pytest.importorskip('horovod',
                        reason='Horovod is not installed: requirements-distributed.txt (first stack, g++, cmake)')


def test_without_horovod_its_requirements_are_named(tmp_path):
    (tmp_path / 'sitecustomize.py').write_text('import importlib.util as u\nfind = u.find_spec\n'
                                               'u.find_spec = lambda name: None if name == "horovod" else find(name)\n')
    status, line = usage('-n', '2', PYTHONPATH='%s:%s' % (tmp_path, processes.ROOT))
    assert status == 1 and 'run_np.sh' in line
    assert 'requirements-distributed.txt' in line and 'LENET_STACK=tf1' in line


def test_horovod_ranks_are_told_who_they_are(tmp_path):
    needs_horovod()
    ended = run_horovod(tmp_path, 3, 'environment', RANK_SIZE='8', HOROVOD_CYCLE_TIME='2')
    assert ended.returncode == 0, ended.stderr
    assert 'warning: -n 3' in ended.stderr or len(os.sched_getaffinity(0)) >= 3
    for rank in range(3):
        variables = told(tmp_path, rank)
        assert 'RANK_SIZE' not in variables and 'RANK_TABLE_FILE' not in variables
        assert [variables['HOROVOD_' + name] for name in (
            'RANK', 'SIZE', 'LOCAL_RANK', 'LOCAL_SIZE', 'CROSS_RANK', 'CROSS_SIZE', 'CONTROLLER', 'CPU_OPERATIONS',
            'CYCLE_TIME', 'GLOO_RENDEZVOUS_ADDR')] == [str(rank), '3', str(rank), '3', '0', '1', 'gloo', 'gloo', '2',
                                                       '127.0.0.1']


@pytest.mark.slow
def test_two_ranks_sum_over_horovod(tmp_path):
    needs_horovod()
    pytest.importorskip('horovod.tensorflow')
    ended = run_horovod(tmp_path, 2, 'allreduce')
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [0, 2, [3.0, 20.0]]
    assert json.loads(log(tmp_path, 1).splitlines()[-1]) == [1, 2, [3.0, 20.0]]
