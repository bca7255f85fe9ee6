import json

import pytest

from lenet.errors import UsageError
from lenet.ranks import cluster


def config(kind='worker', index=0, **jobs):
    return json.dumps({'cluster': jobs, 'task': {'type': kind, 'index': index}, 'environment': 'cloud'})


def read(text):
    return cluster.read({'TF_CONFIG': text})


@pytest.mark.parametrize('text', ['', ' ', '{}', '{"cluster": {}}', '{"task": {"type": "worker", "index": 0}}'],
                         ids=['empty', 'blank', 'no cluster', 'empty cluster', 'task alone'])
def test_without_a_cluster_there_are_no_ranks(text):
    assert read(text) is None and cluster.read({}) is None


@pytest.mark.parametrize('text, addresses, rank', [
    (config(index=1, worker=['a:1', 'b:65535']), ['a:1', 'b:65535'], 1),
    (config('chief', 0, worker=['b:2'], chief=['a-0.ns.svc:2222']), ['a-0.ns.svc:2222', 'b:2'], 0),
    (config('worker', '1', worker=['b:2', 'c:2'], chief=['a:2'], ps=[]), ['a:2', 'b:2', 'c:2'], 2),
    (config('worker', 0, worker=['b:2'], master=['[::1]:2']), ['[::1]:2', 'b:2'], 1),
    (config(worker=['10.0.0.1:2']), ['10.0.0.1:2'], 0),
], ids=['workers', 'chief', 'behind the chief', 'master', 'one'])
def test_a_chief_leads_and_the_workers_follow(text, addresses, rank):
    assert read(text) == (addresses, rank)


def test_what_is_written_is_read():
    written = cluster.Cluster(['127.0.0.1:2222', '127.0.0.1:2223', 'x:1'], 2)
    assert read(cluster.write(written)) == written


@pytest.mark.parametrize('text, words', [
    ('{', 'no JSON'), ('[' * 10 ** 5, 'nested'), ('{"cluster": "\udcff"}', 'no UTF-8'),
    ('{"task": 1, "task": 2}', 'twice'), ('[]', 'the whole is no object'), ('{"cluster": 3}', 'cluster is no'),
    ('{"cluster": {"worker": ["a:1"]}, "task": []}', "type None"),
    ('{"cluster": {"worker": ["a:1"]}, "task": [1]}', 'task is no object'),
    (config(worker=['a:1'], ps=['b:1']), 'parameter servers'),
    (config(worker={'0': 'a:1'}), 'no list'), (config(worker=['a']), "'a' is no address"),
    (config(worker=['a:0']), "'a:0'"), (config(worker=['a:70000']), "'a:70000'"), (config(worker=[3]), '3 is no'),
    (config(worker=['a:1', 'a:1']), 'are 2, at 1 addresses'), (config(chief=[], ps=[]), 'are 0'),
    (config(worker=['a:1'], chief=['b:1', 'c:1']), '2 chiefs'),
    (config('evaluator', worker=['a:1']), "type 'evaluator'"), (config(['worker'], worker=['a:1']), 'type .*worker'),
    (config(index=2, worker=['a:1', 'b:1']), 'index 2 of 2'),
    (config(index=-1, worker=['a:1', 'b:1']), 'index -1'), (config(index=None, worker=['a:1']), 'index None'),
    (config('chief', worker=['a:1']), '0 chiefs'),
], ids=['cut', 'deep', 'no text at all', 'twice a member', 'list', 'number', 'empty task', 'task a list', 'ps',
        'dynamic', 'no port', 'port 0', 'high port', 'no text', 'twice', 'nobody', 'two chiefs', 'evaluator',
        'type a list', 'index 2', 'index -1', 'no index', 'no chief'])
def test_what_is_no_cluster_is_told_in_one_line(text, words):
    with pytest.raises(UsageError, match='TF_CONFIG: .*' + words) as caught:
        read(text)
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 300
