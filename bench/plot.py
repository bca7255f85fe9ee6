"""A picture of a sweep: images/s over the swept flag, a line for each count of cores, bars from minimum to maximum."""

from typing import Any, Dict

from lenet.errors import UserError
from lenet.support import files

try:
    import matplotlib
    matplotlib.use('Agg')  # no display is needed
    from matplotlib import pyplot
except ImportError:
    raise UserError('--plot needs matplotlib: pip install -r requirements-plot.txt, or leave it out')


def draw(report: Dict[str, Any], path: str) -> None:
    """Draws a report of sweep.run.

    Raises:
      UserError: `path` cannot be written.
    """
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    values = list(dict.fromkeys(point['value'] for point in report['points']))
    for cores in sorted({point['cores'] for point in report['points']}):
        points = [point for point in report['points'] if point['cores'] == cores]
        rates = [point['images_per_second'] for point in points]
        medians = [rate['median'] for rate in rates]
        bars = [[rate['median'] - rate['min'] for rate in rates], [rate['max'] - rate['median'] for rate in rates]]
        axes.errorbar([values.index(point['value']) for point in points], medians, yerr=bars, marker='o', capsize=4,
                      label='%d core%s' % (cores, 's' * (cores != 1)))
    axes.set_xticks(range(len(values)))  # evenly spaced: the values are words, or powers
    axes.set_xticklabels(values)
    axes.set_xlabel('--' + report['flag'])
    axes.set_ylabel('images/s: median and range of %d rounds' % report['rounds'])
    axes.set_ylim(bottom=0)
    axes.set_title(report['machine']['cpu'])
    axes.legend()
    with files.replacing(path, 'wb') as stream:
        figure.savefig(stream, format='png', dpi=120, bbox_inches='tight')
    pyplot.close(figure)
