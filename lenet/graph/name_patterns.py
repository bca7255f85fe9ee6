"""Variables chosen by patterns: regular expressions that match from the start of a name, so that a plain prefix such as
`fc_3/` is one. --restore_exclude and --freeze_variables are lists of them."""

import re
from typing import Iterable, List, Set

from lenet.errors import UserError


def match(patterns: List[str], names: Iterable[str], flag: str) -> Set[str]:
    """The names that a pattern matches.

    Args:
      flag: where the patterns come from, for errors.

    Raises:
      UserError: a pattern is no regular expression, or matches nothing.
    """
    names = list(names)
    chosen: Set[str] = set()
    for pattern in patterns:
        try:
            matching = [name for name in names if re.match(pattern, name)]
        except re.error as error:
            raise UserError('--%s=%s is no regular expression (%s); a prefix such as fc_3/ will do' %
                            (flag, pattern, error))
        if not pattern or not matching:
            raise UserError('--%s=%s matches none of %s' % (flag, pattern, ', '.join(names)))
        chosen.update(matching)
    return chosen


def choose_untrained(patterns: List[str], names: Iterable[str]) -> Set[str]:
    """The names that --freeze_variables matches.

    Raises:
      UserError: as `match`, or nothing is left to train.
    """
    untrained = match(patterns, names, 'freeze_variables')
    if len(untrained) == len(list(names)):
        raise UserError('--freeze_variables=%s leaves nothing to train' % ','.join(patterns))
    return untrained
