import pytest

from bench import compare
from bench import contenders
from bench import readme
from lenet.errors import UserError

REPORT = compare.summarize(contenders.parse('ours,reference'), [
    [{'images_per_second': rate, 'software': software} for rate in rates]
    for rates, software in (([40, 44, 42], 'TensorFlow 2'), ([10, 11, 14], 'TensorFlow 1'))])
REPORT['machine'] = {'cpu': 'C', 'usable_cores': 2, 'load_average_before': [1.0], 'load_average_after': [2.0]}
HEADS = '| a | b | c | d |\n|---|---|---|---|\n'
COMMENT = '<!-- bench.compare --readme -->\n'


def write(path, text):
    path.write_text(text, encoding='utf-8')
    readme.check([str(path)])
    readme.write(str(path), REPORT)
    return path.read_text(encoding='utf-8')


@pytest.mark.parametrize('old', ['', '| 1 | 2 | 3 | 4 |\n| 5 | 6 | 7 | 8 |\n'])
def test_rows_are_replaced_and_all_else_stays(tmp_path, old):
    before, after = '# 中文\n\n| x |\n|---|\n| y |\n\n' + COMMENT + '\n' + HEADS, '\nMore.\n\n| z |\n|---|\n'
    text = write(tmp_path / 'R.md', before + old + after)
    assert text.startswith(before) and text.endswith(after)
    assert text[len(before):-len(after)].splitlines() == [
        '| `ours` | TensorFlow 2 | 42 (40-44) | 1 |',
        '| `reference` | TensorFlow 1 | 11 (10-14) | 4.00 (3.00-4.00) |',
        '|  | C, 2 usable cores, load 1.00 before, 2.00 after |  |  |']


@pytest.mark.parametrize('text', ['', HEADS, COMMENT, COMMENT + '| a | b |\n|---|---|\n', 2 * (COMMENT + HEADS)],
                         ids=['empty', 'no comment', 'no heads', 'two columns', 'two places'])
def test_a_document_without_its_place_is_left_alone(tmp_path, text):
    path = tmp_path / 'R.md'
    with pytest.raises(UserError, match='R.md: needs one comment'):
        write(path, text)
    assert path.read_text() == text


def test_the_projects_documents_have_the_place():
    readme.check(readme.DOCUMENTS)
