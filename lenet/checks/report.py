"""The doctor's report, as text and as JSON."""

import json
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from lenet.checks import FAIL, PASS, WARN, Result


class Report(NamedTuple):
    """What the doctor says."""

    platform: str
    results: Sequence[Result]
    config: Optional[Any] = None  # the ConfigProto of a session on the NPU

    def count(self, status: str) -> int:
        return [result.status for result in self.results].count(status)

    def ready(self) -> bool:
        return not self.count(FAIL)

    def summary(self) -> str:
        counts = '%d passed, %d warned, %d failed' % (self.count(PASS), self.count(WARN), self.count(FAIL))
        verdict = 'can start' if self.ready() else 'would fail'
        return '%s: training with these flags %s on the %s' % (counts, verdict, self.platform.upper())


def to_text(report: Report) -> List[str]:
    """Lines: the results aligned, the session config, the summary."""
    width = max(len(result.name) for result in report.results)
    lines = []
    for result in report.results:
        lines.append('%s  %s  %s' % (result.status, result.name.ljust(width), result.found))
        if result.remedy:
            lines.append(' ' * (width + 8) + '-> ' + result.remedy)
    if report.config is not None:
        lines += ['', 'session config']
        lines += ['  %s' % line for line in _config_lines(report.config)]
    if report.platform != 'npu':
        lines += ['', "the NPU's checks and session config: --platform=npu, or --flagfile=npu.flags"]
    return lines + ['', report.summary()]


def one_line(result: Result) -> str:
    return '%s: %s%s' % (result.name, result.found, ' (%s)' % result.remedy if result.remedy else '')


def _config_lines(config: Any) -> List[str]:
    described = describe_config(config)
    parameters = described.pop('NpuOptimizer')
    width = max(map(len, parameters))
    return (['%s = %s' % (name, json.dumps(value)) for name, value in described.items()] + ['NpuOptimizer'] +
            ['  %s  %s = %s' % (name.ljust(width), item['field'], json.dumps(item['value']))
             for name, item in parameters.items()])


def to_json(report: Report) -> str:
    """One object: platform, checks, config (null on a CPU), summary."""
    checks = [{'name': result.name, 'status': result.status, 'found': result.found, 'remedy': result.remedy}
              for result in report.results]
    summary = {PASS: report.count(PASS), WARN: report.count(WARN), FAIL: report.count(FAIL), 'ready': report.ready()}
    return json.dumps({'platform': report.platform, 'checks': checks, 'summary': summary,
                       'config': None if report.config is None else describe_config(report.config)}, indent=2)


def describe_config(config: Any) -> Dict[str, Any]:
    """What of a ConfigProto the NPU depends on, read back from the message itself.

    Returns:
      allow_soft_placement, remapping, memory_optimization, and under NpuOptimizer {parameter: {field, value}}, where
      field is the protobuf field that holds the value: b, i or s.
    """
    rewrite = config.graph_options.rewrite_options
    toggle = rewrite.DESCRIPTOR.fields_by_name['remapping'].enum_type.values_by_number
    return {'allow_soft_placement': config.allow_soft_placement,
            'remapping': toggle[rewrite.remapping].name,
            'memory_optimization': toggle[rewrite.memory_optimization].name,  # OFF's number; its own enum: MANUAL
            'NpuOptimizer': {name: _attribute(value)
                             for name, value in sorted(rewrite.custom_optimizers[0].parameter_map.items())}}


def _attribute(value: Any) -> Dict[str, Any]:
    field = value.WhichOneof('value')
    held = getattr(value, field)
    return {'field': field, 'value': held.decode() if isinstance(held, bytes) else held}
