"""What loss scaling did in a run, from its records: scale over the steps, skipped updates, what the start cost."""

import math
from typing import Any, Dict, List

MODEST_SCALE = 2.0 ** 15  # what npu.flags starts from


def windows_of(records: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The records between log lines of a run that scaled its loss, in order."""
    return [record for record in records if 'skipped_steps' in record and isinstance(record.get('loss_scale'), float)]


def lost_at_start(skipped: List[int]) -> int:
    """How many of the first steps were skipped before the first update was applied."""
    lost = 0
    while lost < len(skipped) and skipped[lost] == lost + 1:
        lost += 1
    return lost


def lines(windows: List[Dict[str, Any]]) -> List[str]:
    """The report, line by line."""
    skipped = [step for window in windows for step in window['skipped_steps']]
    steps = windows[-1]['step']
    text = ['%10s %14s %10s' % ('step', 'loss scale', 'skipped')]
    former = None
    for window in windows:
        if window['loss_scale'] != former or window['skipped_steps']:
            text.append('%10d %14s %10d' % (window['step'], _power(window['loss_scale']), len(window['skipped_steps'])))
        former = window['loss_scale']
    text.append('%d of %d updates skipped (%.2f %%), at steps: %s' %
                (len(skipped), steps, 100 * len(skipped) / steps, _ranges(skipped) or 'none'))
    text.append('%d updates were lost before the first was applied, at a scale that had come down to %s by step %d '
                '(npu.flags starts from %s)' % (lost_at_start(skipped), _power(windows[0]['loss_scale']),
                                                windows[0]['step'], _power(MODEST_SCALE)))
    return text


def _power(scale: float) -> str:
    mantissa, exponent = math.frexp(scale)
    return '2**%d' % (exponent - 1) if mantissa == 0.5 else '%g' % scale


def _ranges(steps: List[int]) -> str:
    """[1, 2, 3, 7] -> '1-3, 7'."""
    runs: List[List[int]] = []
    for step in steps:
        if runs and step == runs[-1][1] + 1:
            runs[-1][1] = step
        else:
            runs.append([step, step])
    return ', '.join('%d-%d' % tuple(run) if run[0] != run[1] else '%d' % run[0] for run in runs)
