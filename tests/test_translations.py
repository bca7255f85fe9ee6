"""The Chinese documents keep step with the English ones: the same sections, commands, flags, names and numbers.

Whoever changes a document changes its translation too; what was forgotten is named here with its section.
"""

import collections
import os
import re
from typing import Iterator, List, Tuple

import pytest

from tests.processes import ROOT

DOCUMENTS = ('README', 'PORTING')
LANGUAGES = ('.md', '.zh.md')
BLOCK = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)
# re.ASCII: Chinese has no spaces, and its characters would count as a part of the word beside them.
KINDS = {
    'code': re.compile(r'`[^`]+`'),
    'names': re.compile(r'(?:\w+/)*\w+\.[a-z]{2,5}\b|\w*_\w+', re.ASCII),
    'numbers': re.compile(r'\d+(?:[.,]\d+)*', re.ASCII),
    'links': re.compile(r'\]\([^)]+\)'),
}


def pair_of(document: str) -> List[str]:
    """Its text in both languages."""
    texts = []
    for language in LANGUAGES:
        with open(os.path.join(ROOT, document + language), encoding='utf-8') as stream:
            texts.append(stream.read())
    return texts


def sections_of(text: str) -> List[Tuple[str, str]]:
    """Each heading and what is below it, where ~ stands for a code block."""
    parts = re.split(r'^(#+ .*)$', BLOCK.sub('~', text), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2]))


def shape_of(body: str) -> List[tuple]:
    """Its paragraphs, code blocks, lists and tables in order, with the items of a list and the columns of each row."""
    shapes = {'~': lambda lines: ('code block',),
              '-': lambda lines: ('list', sum(line.startswith('- ') for line in lines)),
              '|': lambda lines: ('table', [len(re.findall(r'(?<!\\)\|', line)) - 1 for line in lines])}
    return [shapes.get(chunk[0], lambda lines: ('paragraph',))(chunk.splitlines())
            for chunk in re.split(r'\n\n+', body.strip()) if chunk]


def places(text: str) -> Iterator[Tuple[str, str]]:
    """The prose of each section and each row of a table, with where it stands."""
    for heading, body in sections_of(text):
        lines = body.splitlines()
        yield heading, '\n'.join([heading] + [line for line in lines if not line.startswith('|')])
        for number, line in enumerate((line for line in lines if line.startswith('|')), 1):
            yield '%s, row %d' % (heading, number), line


def matches(kind: str, text: str) -> List[str]:
    """What a text has of a kind, wherever its lines break; a translated document by its English name."""
    return [' '.join(match.split()) for match in KINDS[kind].findall(text.replace('.zh.md', '.md'))]


def differences(kind: str, english: str, chinese: str) -> Iterator[str]:
    """What one has of a kind and the other lacks, with its place."""
    for (place, text), (place_there, translation) in zip(places(english), places(chinese)):
        found, translated = [collections.Counter(matches(kind, part)) for part in (text, translation)]
        yield from ('%s: lacks %s' % (place_there, match) for match in sorted((found - translated).elements()))
        yield from ('%s: lacks %s' % (place, match) for match in sorted((translated - found).elements()))


@pytest.mark.parametrize('document', DOCUMENTS)
def test_headings_have_the_same_levels_in_the_same_order(document):
    english, chinese = [[heading.split()[0] for heading, _ in sections_of(text)] for text in pair_of(document)]
    assert chinese == english


@pytest.mark.parametrize('document', DOCUMENTS)
def test_code_blocks_are_the_same(document):
    english, chinese = [BLOCK.findall(text) for text in pair_of(document)]
    assert len(english) > 1
    assert chinese == english


@pytest.mark.parametrize('document', DOCUMENTS)
def test_sections_have_the_same_paragraphs_lists_and_tables(document):
    for (_, body), (heading, translation) in zip(*map(sections_of, pair_of(document))):
        assert (heading, shape_of(translation)) == (heading, shape_of(body))


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('document', DOCUMENTS)
def test_nothing_is_forgotten_in_either(document, kind):
    assert '\n'.join(differences(kind, *pair_of(document))) == ''


@pytest.mark.parametrize('document', DOCUMENTS)
def test_each_links_the_other_once_and_else_its_own_language(document):
    english, chinese = pair_of(document)
    assert re.findall(r'\]\((\w+)\.zh\.md', english) == [document]
    assert [name for name in re.findall(r'\]\((\w+)\.md', chinese) if name in DOCUMENTS] == [document]


def test_what_is_forgotten_is_named_with_its_section():
    english = '# A\n\nsee `--a` in x/y.py\n\n## B\n\n| `--c` | 1,000 |\n'
    chinese = '# 甲\n\n见x/y.py中的`--b`\n\n## 乙\n\n| `--c` | 100 |\n'
    assert list(differences('code', english, chinese)) == ['# 甲: lacks `--a`', '# A: lacks `--b`']
    assert list(differences('names', english, chinese)) == []
    assert list(differences('numbers', english, chinese)) == ['## 乙, row 1: lacks 1,000', '## B, row 1: lacks 100']
