"""What the seconds of a runtime's calls (session.run, invoke) say about latency and throughput.

Letters: n calls, of which the first, which compiles, and the warm-up after it are not timed.
"""

from typing import Any, Dict, List, Sequence

import numpy as np

ENOUGH = 100  # calls from which on a 99th percentile is more than the slowest one

SCOPE = '%s alone, from images in memory to answers in memory; not reading, scaling, padding, writing'


def summarize(seconds: Sequence[float], images: Sequence[int], warmup: int,
              call: str = 'session.run') -> Dict[str, Any]:
    """The statistics, ready for JSON.

    An image's latency is its call's time over the images of that call, padding not counted; its mean and percentiles
    (linear between ranks) are taken over the images, so that its mean is the inverse of images_per_second.

    Args:
      seconds: of each call, in order, n >= 1.
      images: of each call, without padding.
      warmup: calls after the first that are not timed.
      call: what the runtime names one.

    Returns:
      images_per_second, ms_per_call and ms_per_image are None where no call is left to be timed.
    """
    timed = slice(1 + warmup, None)
    calls, counts = np.array(seconds[timed]), np.array(images[timed], int)
    facts = {'call': call, 'calls': len(seconds), 'first_call_seconds': seconds[0],
             'warmup_calls': min(warmup, len(seconds) - 1), 'timed_calls': len(calls),
             'timed_images': int(counts.sum()), 'timed': SCOPE % call,
             'images_per_second': None, 'ms_per_call': None, 'ms_per_image': None}
    if len(calls):
        facts.update(images_per_second=float(counts.sum() / calls.sum()), ms_per_call=_spread(calls),
                     ms_per_image=_spread(np.repeat(calls / counts, counts)))
    return facts


def _spread(seconds: np.ndarray) -> Dict[str, float]:
    ms = 1e3 * seconds
    return {'mean': float(ms.mean()), 'p50': float(np.percentile(ms, 50)), 'p99': float(np.percentile(ms, 99))}


def lines(facts: Dict[str, Any]) -> List[str]:
    """What `summarize` returned, as a terminal shows it."""
    first = 'first call        %.4f s, in none of the other numbers' % facts['first_call_seconds']
    calls = '%d: the first, %d of warm-up, %d timed' % (facts['calls'], facts['warmup_calls'], facts['timed_calls'])
    if not facts['timed_calls']:
        return [first, '%-17s %s: too few for a latency; more images, or a smaller --batch_size or '
                '--warmup, leave some to be timed' % (facts['call'] + 's', calls)]
    few = '' if facts['timed_calls'] >= ENOUGH else '  (p99 of fewer than %d calls is about the slowest)' % ENOUGH
    return [first, '%-17s %s' % (facts['call'] + 's', calls),
            '%-17s %s%s' % ('ms/' + facts['call'], _row(facts['ms_per_call']), few),
            "ms/image          %s  (a call's time shared among its images)" % _row(facts['ms_per_image']),
            'images/s          %.0f, over %d images' % (facts['images_per_second'], facts['timed_images']),
            'timed             ' + facts['timed']]


def _row(spread: Dict[str, float]) -> str:
    return '  '.join('%s %.4g' % (name, spread[name]) for name in ('mean', 'p50', 'p99'))
