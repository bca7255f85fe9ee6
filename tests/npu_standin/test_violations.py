"""A broken rule cannot be hidden, and every rule is broken by some test here."""

import glob
import os
import re

from tests import npu_standin
from tests.npu_standin.programs import run_python


def test_a_caught_violation_still_fails_the_process(tmp_path):
    code = 'try:\n    import npu_bridge.npu_init\nexcept Exception:\n    print("caught")\n'
    ended = run_python(code, 'v21', journal=str(tmp_path / 'journal'))
    assert ended.stdout == 'caught\n'
    assert ended.returncode == npu_standin.EXIT_STATUS
    assert 'import-npu-init' in ended.stderr
    assert [entry['event'] for entry in npu_standin.read_journal(str(tmp_path / 'journal'))] == [
        'load', 'violation', 'exit']


def test_every_rule_is_broken_by_a_test(standin):
    text = ''
    for path in glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'test_*.py')):
        with open(path) as stream:
            text += stream.read()
    assert [rule for rule in standin.RULES if not re.search("'%s'" % rule, text)] == []
