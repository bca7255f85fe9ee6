"""Puts the table of bench.compare into README.md and its translation, so that no number is copied by hand."""

import os
import re
from typing import Any, Dict, List

from bench import text
from lenet.errors import UserError
from lenet.support import files
from lenet.support import modules

_LARGEST = 2 ** 22  # bytes of a document
# A comment that names the command, then a table, whose two lines of heads are the document's own, in its language.
_TABLE = re.compile(r'^(<!-- bench\.compare.*-->\n+\|.*\n\|[-|: ]+\n)(?:\|.*\n)*', re.MULTILINE)
COLUMNS = 4
DOCUMENTS = [os.path.join(modules.ROOT, name) for name in ('README.md', 'README.zh.md')]


def check(paths: List[str]) -> None:
    """Raises:
      UserError: a document cannot be read or replaced, or has no place for the table, or two.
    """
    for path in paths:
        _read(path)
        if not os.access(os.path.dirname(path) or '.', os.W_OK):
            raise UserError('%s: its directory cannot be written, --readme would replace it' % path)


def _read(path: str) -> str:
    try:
        document = files.read(path, _LARGEST, 'it must be Markdown').decode()
    except UnicodeDecodeError:
        raise UserError('%s: no text of UTF-8; --readme takes Markdown' % path)
    found = _TABLE.findall(document)
    if len(found) != 1 or found[0].splitlines()[-1].count('|') != COLUMNS + 1:
        raise UserError('%s: needs one comment <!-- bench.compare … --> with the heads of a table of %d columns below '
                        'it; found %d' % (path, COLUMNS, len(found)))
    return document


def write(path: str, report: Dict[str, Any]) -> None:
    """Replaces the rows in the document at `path`.

    Args:
      report: of compare.summarize, with the machine.

    Raises:
      UserError: as `check`, or the document cannot be written.
    """
    document = _read(path)
    below = '\n'.join('| %s |' % ' | '.join(row) for row in rows(report)) + '\n'
    with files.replacing(path) as stream:
        stream.write(_TABLE.sub(lambda match: match.group(1) + below, document))


def rows(report: Dict[str, Any]) -> List[List[str]]:
    """Label, software, images/s and how many times as fast the first is; last the machine."""
    ratios = {ratio['denominator']: '%.2f (%.2f-%.2f)' % (ratio['median'], *ratio['interval_95'])
              for ratio in report['ratios']}
    found = [['`%s`' % contender['label'], contender['runs'][-1]['software'],
              text.spread(contender['images_per_second']), ratios.get(contender['label'], '1')]
             for contender in report['contenders']]
    return found + [['', text.machine(report['machine']), '', '']]
