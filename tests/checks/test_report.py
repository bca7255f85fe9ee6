"""The report as text and as JSON."""

import json

from lenet import flags
from lenet.checks import failed, passed, warned
from lenet.checks import report
from lenet.platforms import npu_config

RESULTS = [passed('one', 'fine'), warned('number two', 'odd', 'look'), failed('three', 'broken', 'mend'),
           failed('four', 'wrong: do so')]


def config(**overrides):
    return npu_config.session_config(npu_config.parameters(flags.make_params(platform='npu', **overrides)))


def test_lines_are_aligned_with_the_remedy_below():
    assert report.to_text(report.Report('npu', RESULTS)) == [
        'pass  one         fine',
        'warn  number two  odd',
        '                  -> look',
        'fail  three       broken',
        '                  -> mend',
        'fail  four        wrong: do so',
        '',
        '1 passed, 1 warned, 2 failed: training with these flags would fail on the NPU']


def test_on_a_cpu_the_way_to_the_npu_s_checks_is_told():
    lines = report.to_text(report.Report('cpu', RESULTS[:2]))
    assert '--flagfile=npu.flags' in lines[-3]
    assert lines[-1] == '1 passed, 1 warned, 0 failed: training with these flags can start on the CPU'


def test_the_session_config_is_read_back_from_the_message():
    described = report.describe_config(config(iterations_per_loop=20, over_dump=True))
    assert (described['remapping'], described['memory_optimization']) == ('OFF', 'OFF')
    assert described['allow_soft_placement'] is True
    assert described['NpuOptimizer']['iterations_per_loop'] == {'field': 'i', 'value': 20}
    assert described['NpuOptimizer']['enable_dump_debug'] == {'field': 'b', 'value': True}
    assert described['NpuOptimizer']['dump_debug_mode'] == {'field': 's', 'value': 'all'}
    plain = config()
    plain.allow_soft_placement = False
    plain.graph_options.rewrite_options.remapping = 1
    described = report.describe_config(plain)
    assert (described['allow_soft_placement'], described['remapping']) == (False, 'ON')


def test_the_session_config_s_lines_name_field_and_value():
    lines = report.to_text(report.Report('npu', RESULTS, config()))
    assert '  remapping = "OFF"' in lines and '  allow_soft_placement = true' in lines
    assert '    iterations_per_loop   i = 10' in lines
    assert '    precision_mode        s = "allow_mix_precision"' in lines


def test_json_holds_the_same():
    parsed = json.loads(report.to_json(report.Report('npu', RESULTS, config())))
    assert parsed['platform'] == 'npu'
    assert parsed['checks'][1] == {'name': 'number two', 'status': 'warn', 'found': 'odd', 'remedy': 'look'}
    assert parsed['summary'] == {'pass': 1, 'warn': 1, 'fail': 2, 'ready': False}
    assert parsed['config']['NpuOptimizer']['use_off_line'] == {'field': 'b', 'value': True}
    assert json.loads(report.to_json(report.Report('cpu', RESULTS)))['config'] is None


def test_one_line_of_a_result():
    assert [report.one_line(result) for result in RESULTS[2:]] == ['three: broken (mend)', 'four: wrong: do so']
