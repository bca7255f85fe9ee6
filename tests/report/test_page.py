"""The page of a run in a real browser."""

import base64
import json
import os
import pathlib
import struct
import urllib.parse

import numpy as np
import pytest

from lenet import platforms
from lenet.data import dataset
from lenet.export import frozen
from lenet.export import inputs
from lenet.export import trained
from lenet.graph import model
from tests import processes
from tests.report import browser as browsers
from tests.report import picture

TIE = 1e-4  # logits nearer than this are a tie between two float32 sums in other orders


@pytest.fixture(scope='module')
def browser():
    with browsers.running() as started:
        yield started


def train(output_dir, *arguments):
    ended = processes.run_module('lenet.train', '--output_dir=' + str(output_dir), *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.fixture(scope='module')
def run(mnist, tmp_path_factory):
    """A short run on MNIST."""
    directory = tmp_path_factory.mktemp('seen') / 'run'
    train(directory, '--data_path=' + mnist, '--steps=600', '--epochs=1', '--activation=relu')
    return directory


@pytest.fixture
def opened(browser, run):
    opened = browsers.Opened(browser, str(run / 'report.html'), accept_downloads=True)
    yield opened
    opened.context.close()
    assert opened.errors == [] and opened.dialogs == []
    assert [url for url in opened.requests if not url.startswith(('file:', 'data:'))] == []


@pytest.fixture(scope='module')
def test_split(mnist):
    return dataset.open_dataset(mnist, 1).test


def answers_of_program(run, images):
    """Logits of the newest checkpoint, float32 [n, 10]."""
    network = trained.load(None, str(run))
    graph = frozen.build(network.weights, model.Form(network.activation))
    with frozen.open_network(graph, platforms.inference_config('cpu'), 'test') as opened:
        return opened.answer(inputs.flatten(images), 500).logits


ANSWER_MANY = """(images) => {
  const answer = openNetwork(data.runs[0].network);
  const greys = decodeBytes(images);
  return Array.from({length: greys.length / 784}, (_, i) => answer(greys.subarray(784 * i, 784 * i + 784)).logits);
}"""


def answers_of_page(page, images):
    parts = [page.evaluate(ANSWER_MANY, base64.b64encode(part.tobytes()).decode())
             for part in np.array_split(images, max(1, len(images) // 1000))]
    return np.concatenate(parts)


def require_parity(program, page):
    assert np.abs(program - page).max() < 1e-4
    best = np.sort(program, axis=1)
    clear = best[:, -1] - best[:, -2] > TIE
    assert clear.mean() > 0.999
    assert (program.argmax(axis=1) == page.argmax(axis=1))[clear].all()


def test_the_page_answers_every_test_image_as_the_program_does(opened, run, test_split):
    require_parity(answers_of_program(run, test_split.images), answers_of_page(opened.page, test_split.images))


@pytest.mark.parametrize('activation', ['sigmoid', 'tanh'])
def test_every_activation_and_number_of_classes(browser, digits, tmp_path, activation):
    output = tmp_path / 'run'
    train(output, '--data_path=' + digits, '--steps=20', '--epochs=1', '--activation=' + activation,
          '--num_classes=13', '--iterations_per_loop=20', '--batch_size=32')
    opened = browsers.Opened(browser, str(output / 'report.html'))
    images = dataset.open_dataset(digits, 1, 13).test.images
    require_parity(answers_of_program(output, images), answers_of_page(opened.page, images))
    opened.context.close()


PUT_ON_PAD = """([greys, side]) => {
  const picture = new OffscreenCanvas(28, 28);
  drawGreys(picture, 28, (i) => 255 - decodeBytes(greys)[i]);
  const context = byId('pad').getContext('2d');
  clearPad(byId('pad'));
  context.drawImage(picture, (PAD - side) / 2, (PAD - side) / 3, side, side);
  const form = toMnistForm(darknessOf(byId('pad')));
  const logits = openNetwork(data.runs[0].network)(form).logits;
  return [logits.indexOf(Math.max(...logits)), byId('pad').toDataURL('image/png')];
}"""


def predict(run, paths):
    """What lenet.predict answers, by the names of the files."""
    ended = processes.run_module('lenet.predict', '--json', '--output_dir=' + str(run), *map(str, paths))
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    return {os.path.basename(answer['file']): answer['class'] for answer in answers}


def png_of(url):
    return base64.b64decode(url.split(',', 1)[1])


def test_drawings_get_the_answers_of_predict(opened, run, test_split, tmp_path):
    pytest.importorskip('PIL', reason='requirements-images.txt')
    answers, paths = {}, []
    for i in range(200):
        greys = base64.b64encode(test_split.images[i].tobytes()).decode()
        answer, url = opened.page.evaluate(PUT_ON_PAD, [greys, 140 + i % 5 * 28])
        paths.append(tmp_path / ('%d.png' % i))
        paths[-1].write_bytes(png_of(url))
        answers[paths[-1].name] = answer
    predicted = predict(run, paths)
    assert np.mean([predicted.get(name) == answer for name, answer in answers.items()]) >= 0.98


def test_a_digit_drawn_by_mouse_is_answered_saved_and_cleared(opened, run, tmp_path):
    pytest.importorskip('PIL', reason='requirements-images.txt')
    page = opened.page
    browsers.draw_seven(page)
    page.locator('#answer', has_text='It is').wait_for()
    answer = page.locator('#answer').inner_text()
    assert page.locator('#layers canvas').count() == 6 + 16 and page.locator('#bars tr').count() == 10
    with page.expect_download() as download:
        page.locator('#save').click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(str(path))
    assert answer.startswith('It is %d (' % predict(run, [path])['digit.png'])
    page.locator('#clear').focus()
    page.keyboard.press('Enter')
    assert page.locator('#answer').inner_text().startswith('Draw here')


def test_what_is_shown_is_what_the_run_recorded(opened, run):
    page, results = opened.page, json.loads((run / 'results.json').read_text())
    evaluation = results['evaluation']
    assert page.locator('.headline').inner_text() == '%.2f %%' % (100 * evaluation['accuracy'])
    cells = page.locator('#confusion-0 button').all_inner_texts()
    assert list(map(int, cells)) == [count for row in evaluation['confusion'] for count in row if count]
    worst = results['examples']['misclassified'][0]
    assert page.locator('#mistakes-0 .example').first.inner_text().split('\n')[:2] == [
        '%d → %d' % (worst['label'], worst['class']), '#%d' % worst['index']]
    assert page.locator('#kernels-0 canvas').count() == 6 and page.locator('.curve').count() >= 3
    assert str(results['flags']['seed']) in page.locator('header').inner_text()


def test_a_cell_of_the_confusion_matrix_shows_its_images(opened, run, test_split):
    results = json.loads((run / 'results.json').read_text())
    evaluation, mistake = results['evaluation'], results['examples']['misclassified'][-1]
    button = opened.page.locator('button[data-label="%(label)d"][data-predicted="%(class)d"]' % mistake)
    button.focus()
    opened.page.keyboard.press('Enter')
    shown = opened.page.locator('#cell-0 .example')
    assert shown.count() == evaluation['confusion'][mistake['label']][mistake['class']]
    assert '#%d' % mistake['index'] in opened.page.locator('#cell-0').inner_text()
    pixels = shown.last.locator('canvas').evaluate(
        "(canvas) => Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data).filter((_, i) => i % 4 === 0)")
    assert pixels == test_split.images[mistake['index']].ravel().tolist()


def test_without_scripts_the_tables_are_there(browser, run):
    opened = browsers.Opened(browser, str(run / 'report.html'), java_script_enabled=False)
    text = opened.page.locator('main').inner_text()
    assert 'steady_steps' in text and 'test images right' in text and 'Draw a digit' not in text
    assert opened.page.locator('noscript table').count() + opened.page.locator('table.matrix tr').count() >= 11
    opened.context.close()


def test_nothing_leaves_the_page(opened):
    refused = opened.page.evaluate("""async () => {
      const image = new Image();
      const blocked = new Promise((done) => document.addEventListener('securitypolicyviolation', () => done(true)));
      image.src = 'http://127.0.0.1:9/x.png';
      return await blocked && await fetch('http://127.0.0.1:9/').then(() => false, () => true);
    }""")
    assert refused
    # The browser's words on both, and the request that it refused.
    opened.errors.clear()
    opened.requests.remove('http://127.0.0.1:9/x.png')


def test_markup_in_paths_is_text(browser, digits, tmp_path):
    name = '<script>alert(1)</script><img src=x onerror=alert(2)>'.replace('/', '\u2215')
    data = tmp_path / ('data ' + name)
    os.symlink(digits, str(data))
    output = tmp_path / name
    train(output, '--data_path=%s' % data, '--steps=20', '--epochs=1', '--iterations_per_loop=20', '--batch_size=32')
    opened = browsers.Opened(browser, urllib.parse.quote(str(output / 'report.html')))
    assert opened.errors == [] and opened.dialogs == []
    assert name in opened.page.locator('h1').inner_text() and name in opened.page.locator('header').inner_text()
    assert len(opened.requests) == 1
    opened.context.close()


def test_several_runs_in_one_page(browser, run, digits, tmp_path):
    other = tmp_path / 'other'
    train(other, '--data_path=' + digits, '--steps=20', '--epochs=1', '--iterations_per_loop=20', '--batch_size=32',
          '--learning_rate=0.002')
    page = str(tmp_path / 'both.html')
    ended = processes.run_module('lenet.report', str(run), str(other), '--html_out=' + page)
    assert ended.returncode == 0 and ended.stdout == 'wrote %s\n' % page, ended.stderr
    opened = browsers.Opened(browser, page)
    rows = opened.page.locator('section[aria-labelledby=differences] tr').all_inner_texts()
    assert any(row.split() == ['--learning_rate', '0.001', '0.002'] for row in rows)
    assert not any('--seed' in row for row in rows)
    assert opened.page.locator('#curves figure').first.locator('polyline').count() == 2
    browsers.draw_seven(opened.page)
    opened.page.locator('#answer', has_text='It is').wait_for()
    opened.page.locator('#which').select_option('1')
    assert opened.errors == []
    opened.context.close()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('width', [360, 1280])
def test_nothing_overflows_and_text_has_contrast(browser, run, width, scheme):
    opened = browsers.Opened(browser, str(run / 'report.html'), color_scheme=scheme,
                             viewport={'width': width, 'height': 800})
    assert opened.page.evaluate('document.documentElement.scrollWidth') <= width
    for selector in ('body', '.quiet', 'pre', '.matrix .wrong', '.matrix .right'):
        assert opened.page.locator(selector).first.evaluate(CONTRAST) >= 4.5, selector  # WCAG 2.1, level AA
    opened.context.close()


CONTRAST = """(element) => {
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let ground = element;
  while (ground && colour(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
  const [a, b] = [getComputedStyle(element).color, getComputedStyle(ground || document.body).backgroundColor]
    .map((text) => luminance(colour(text)));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_the_picture_in_readme_is_made_from_a_page(browser, run, tmp_path):
    picture.make(browser, str(run / 'report.html'), str(tmp_path / 'page.png'))
    made, kept = [pathlib.Path(path).read_bytes() for path in (tmp_path / 'page.png', picture.KEPT)]
    for png in (made, kept):
        assert png.startswith(b'\x89PNG') and struct.unpack('>2I', png[16:24]) == (picture.WIDTH, picture.HEIGHT)
        assert len(png) < 200000
