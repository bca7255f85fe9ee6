import sys

import pytest

from bench import contenders
from bench.contenders import Contender
from lenet import flags
from lenet.errors import UsageError, UserError


def test_contenders_have_kinds_labels_and_flags():
    assert contenders.parse('ours,N1=ours:--iterations_per_loop=1 --conv=direct,ours:--replicas=1,pytorch') == [
        Contender('ours', 'ours', []), Contender('N1', 'ours', ['--iterations_per_loop=1', '--conv=direct']),
        Contender('ours:--replicas=1', 'ours', ['--replicas=1']), Contender('pytorch', 'pytorch', [])]


@pytest.mark.parametrize('text, word', [
    ('ours', 'at least two'), ('ours,theirs', "'theirs' is none of"), ('ours,ours', "two are called 'ours'"),
    ('ours,reference:--steps=3', 'reference takes no flags')])
def test_what_cannot_be_compared_is_refused(text, word):
    with pytest.raises(UsageError, match=word):
        contenders.parse(text)


def command(kind, added=(), warmup=None):
    params = flags.make_params(batch_size=16, steps=50, epochs=2, seed=7, iterations_per_loop=10)
    return contenders.command(Contender('label', kind, list(added)), params, warmup, 'data.npz', '/peer')


def test_every_loop_gets_the_same_task():
    for kind in list(contenders.REFERENCES) + list(contenders.PEERS):
        line = command(kind, warmup=30)
        assert {'--data=data.npz', '--batch_size=16', '--steps=100', '--warmup=30', '--seed=7',
                '--learning_rate=0.001'} <= set(line)
        assert line[0] == ('/peer' if kind in contenders.PEERS else sys.executable)
        assert ('--channels_last' in line) == (kind == 'pytorch_channels_last')
        assert ('--compile' in line) == (kind == 'pytorch_compiled')
        assert ('--summary' in line) == (kind == 'reference_summary')


def test_the_other_stack_runs_the_same_bench_under_its_own_interpreter():
    assert command('ours_peer')[1:] == command('ours')[1:] and command('ours_peer')[0] == '/peer'
    with pytest.raises(UsageError, match='ours_peer needs --peer_python, an interpreter that has tensorflow'):
        contenders.check_peers([Contender('ours_peer', 'ours_peer', [])], None)


def test_flags_of_a_variant_come_last_and_win():
    line = command('ours', ['--batch_size=32'])
    assert line.index('--batch_size=32') > line.index('--batch_size=16')
    assert {'--steps=50', '--epochs=2', '--noconstant_input'} <= set(line)


@pytest.mark.parametrize('peer, error, words', [
    (None, UsageError, '--peer_python, an interpreter that has torch'),
    ('/nowhere/python', UsageError, '--peer_python=/nowhere/python: is no program'),
    ('/tmp', UsageError, '--peer_python=/tmp: is no program'),
    (sys.executable, UserError, '--peer_python=.* has no torch, which pytorch needs'),
    ('/bin/false', UserError, '--peer_python=/bin/false: ended with status 1')])
def test_a_peer_that_cannot_run_is_found_before_anything_is_measured(peer, error, words):
    with pytest.raises(error, match=words):
        contenders.check_peers([Contender('pytorch', 'pytorch', [])], peer)


def test_no_peer_is_needed_where_none_takes_part():
    contenders.check_peers(contenders.parse('ours,reference'), None)
