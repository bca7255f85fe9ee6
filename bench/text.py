"""Reports as a terminal shows them: pure functions, dictionaries in, lines out."""

from typing import Any, Dict, Iterable, List, Optional, Sequence

# The flags that the speed depends on most; the JSON report has all.
_TELLING_FLAGS = ('platform', 'batch_size', 'iterations_per_loop', 'replicas', 'conv', 'input', 'precision_mode',
                  'loss_scale', 'augment', 'dropout')


def measurement(report: Dict[str, Any]) -> List[str]:
    """One report of measure.measure."""
    ms, n = report['ms_per_step'], report['steps_per_call']
    lines = ['%d steps of %d images in %d calls, after %d steps of warm-up' %
             (report['steps'], report['images_per_step'], report['calls'], report['warmup_steps']),
             'images/s          %.0f' % report['images_per_second'],
             'ms/step           mean %.3f  median %.3f  p90 %.3f  p99 %.3f over calls' %
             (ms['mean'], ms['median'], ms['p90'], ms['p99'])]
    if n > 1:
        lines.append("                  (a call's time over its %d steps: the spread of single steps is hidden, "
                     '--iterations_per_loop=1 shows it)' % n)
    if 'constant_input' in report:
        constant = report['constant_input']
        lines.append('constant input    %.0f images/s, %.3f ms/step: input costs %.1f %% of a step' %
                     (constant['images_per_second'], constant['ms_per_step']['mean'],
                      100 * (1 - constant['ms_per_step']['mean'] / ms['mean'])))
    lines.append('before            graph %.2f s, first call %.2f s' %
                 (report['graph_seconds'], report['first_call_seconds']))
    lines.append('peak memory       %.0f MB' % report['peak_rss_mb'])
    lines.append('final loss        ' + number(report['final_loss']))
    return lines + _circumstances(report['circumstances'])


def _circumstances(facts: Dict[str, Any]) -> List[str]:
    told = ' '.join('--%s=%s' % (name, facts['flags'][name]) for name in _TELLING_FLAGS if name in facts['flags'])
    return ['flags             ' + told, 'data              %s' % facts['data'],
            'machine           ' + machine(facts['machine']) + ', TensorFlow ' + facts['versions']['tensorflow']]


def machine(facts: Dict[str, Any]) -> str:
    return '%s, %d usable cores, load %.2f before, %.2f after' % (
        facts['cpu'], facts['usable_cores'], facts['load_average_before'][0], facts['load_average_after'][0])


def costliest(costs: Iterable[Any], total: float) -> List[str]:
    """The ops of op_trace.costs; `total` is the sum over all ops in milliseconds."""
    rows = [['%.3f' % cost.milliseconds, '%.1f' % (100 * cost.milliseconds / total), cost.type, cost.name]
            for cost in costs]
    return table(['ms', '% of all ops', 'type', 'op'], rows)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    """A Markdown table, columns aligned."""
    widths = [max(len(row[i]) for row in [heads] + list(rows)) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        return '| %s |' % ' | '.join(cell.ljust(width) for cell, width in zip(cells, widths))

    return [line(heads), '|%s|' % '|'.join('-' * (width + 2) for width in widths)] + [line(row) for row in rows]


def number(value: Optional[float]) -> str:
    return 'not finite' if value is None else '%.4f' % value


def spread(values: Dict[str, Any], form: str = '%.0f') -> str:
    """'median (min-max)' of spread.of_rounds."""
    return '%s (%s-%s)' % tuple(form % values[key] for key in ('median', 'min', 'max'))
