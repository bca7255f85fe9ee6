"""Of rank tables, lists, flagfiles, pictures, logs and what bench measures."""

import io
import os
from typing import Any, Callable

import numpy as np

from bench import peer_loop
from bench import proof
from lenet import flags
from lenet.checks import FAIL, PASS
from lenet.checks import rank_table
from lenet.checks import settings
from lenet.errors import UsageError, UserError
from lenet.launcher import rank_output
from lenet.photo import picture
from lenet.support import flag_parsing
from lenet.support import machine
from tests import data_files
from tests import pictures
from tests.readers import Reader, put, put_json, at, is_text


def count_operators(path: str) -> str:
    params = flags.make_params(platform='npu', precision_mode='allow_mix_precision', modify_mixlist=path)
    result = settings.mixlist(params)
    if result.status == FAIL:
        raise UserError(result.found)
    assert result.status == PASS
    return result.found


def read_flagfile(path: str) -> list:
    try:
        return flag_parsing.parse(flags._new_values(), ['--flagfile=' + path])
    except UsageError as error:  # a wrong flag is named, wherever it stands
        raise UserError(str(error) if path in str(error) else '%s: %s' % (path, error))


def leave(call: Callable[[], Any]) -> Any:
    """What programs that know nothing of UserError say as they leave."""
    try:
        return call()
    except SystemExit as error:
        raise UserError(error.code)


def npz_bytes(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def png(folder: str) -> None:
    pictures.skip_without_packages()
    from PIL import Image
    grey = pictures.noisy(pictures.page(pictures.seven(), 100, 80, 13, 19)).astype(np.uint8)
    Image.fromarray(grey).save(os.path.join(folder, 'x.png'))


TABLE = {'status': 'completed', 'version': '1.0', 'server_count': '1', 'server_list': [{'server_id': 'a', 'device': [
    {'device_id': '0', 'device_ip': '192.168.0.1', 'rank_id': '0'},
    {'device_id': '1', 'device_ip': '192.168.0.2', 'rank_id': '1'}]}]}
TABLE_2 = {'status': 'completed', 'group_count': '1', 'group_list': [
    {'group_name': 'g', 'device_num': '1', 'server_num': '1', 'instance_count': '1', 'instance_list': [
        {'rank_id': '0', 'server_id': 'a', 'devices': [{'device_id': '0', 'device_ip': '192.168.0.1'}]}]}]}


def is_table(value: Any) -> bool:
    return all(isinstance(device, rank_table.Device) for device in value)


READERS = {
    'rank table': Reader('x.json', put_json('x.json', TABLE), at('x.json', rank_table.read), is_table, is_json=True),
    'rank table 2': Reader('x.json', put_json('x.json', TABLE_2), at('x.json', rank_table.read), is_table,
                           is_json=True),
    'operators': Reader('x.json', put_json('x.json', {'black-list': {'to-add': ['A', 'B']}, 'white-list': {
        'to-remove': ['C']}}), at('x.json', count_operators), is_text, is_json=True),
    'flagfile': Reader('x.flags', put('x.flags', b'# why\n--seed=3\n--batch_size=6\n--noevaluate\n'),
                       at('x.flags', read_flagfile), lambda value: isinstance(value, list)),
    'picture': Reader('x.png', png, at('x.png', picture.as_mnist),
                      lambda value: value.dtype == np.uint8 and value.shape == (28, 28, 1)),
    'log of a rank': Reader('x.log', put('x.log', b'one\ntwo\n'), at('x.log', rank_output.last_line), is_text,
                            does_without=True),
    'system': Reader('x', put('x', b'model name : x'), at('x', machine._read), is_text, does_without=True),
    'variables': Reader('x.npz', put('x.npz', npz_bytes(a=np.ones((2, 3)), b=np.arange(3))), at('x.npz', proof.load),
                        lambda value: isinstance(value, dict)),
    'images of a peer': Reader(
        'x.npz', put('x.npz', npz_bytes(images=data_files.images(2), labels=data_files.labels(2))),
        at('x.npz', lambda path: leave(lambda: peer_loop.load(path))), lambda value: len(value) == 2),
}
