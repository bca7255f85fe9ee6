"""Test digits of MNIST as photographs, scans and small pictures would show them, and how many keep their answer.

  python -m tests.photo.photographs output accurate      a table, for the networks of two runs
"""

import os
import sys
import tempfile
from typing import Tuple

import numpy as np
from PIL import Image

from lenet.data import dataset
from lenet.errors import UserError
from lenet.export import inputs
from lenet.export import prediction
from lenet.photo import picture
from tests import pictures

LIGHTS = ('clean', 'uneven light', 'dark ground', 'noisy')
PAPERS = ('small', 'full-bleed', 'thin box', 'thick box', 'ring')


def photographed(digit, random, kind):
    """A digit as a file's grey levels: enlarged 3 to 10 times, anywhere on a page."""
    times = random.randint(3, 11)
    ink = pictures.enlarged(digit, times)
    height, width = [int(28 * times * random.uniform(1.1, 2)) for _ in range(2)]
    top, left = random.randint(height - 28 * times + 1), random.randint(width - 28 * times + 1)
    grey = pictures.page(ink, height, width, top, left, contrast=0.8)
    if kind == 'uneven light':
        grey = grey * np.linspace(1, 0.6, width) * np.linspace(1, 0.8, height)[:, np.newaxis]
    noise = {'clean': 0, 'uneven light': 6, 'dark ground': 6, 'noisy': 15}[kind]
    grey = pictures.noisy(grey, noise, random.randint(10 ** 6))
    return 255 - grey if kind == 'dark ground' else grey


def drawn_on_paper(digit, kind):
    """A digit, uint8 [28, 28], as somebody draws it where a form has a box for it, or as a small picture."""
    if kind == 'small':  # 28x28 on black, off the middle
        small = np.asarray(Image.fromarray(digit).resize((20, 20), Image.BICUBIC))
        return np.pad(small, ((7, 1), (7, 1)), mode='constant').astype(np.float32)
    rows, columns = np.nonzero(digit > 64)
    cut = digit[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    if kind == 'full-bleed':
        spare = max(cut.shape) - np.array(cut.shape)
        square = np.pad(cut, [(side // 2, side - side // 2) for side in spare], mode='constant')
        return np.asarray(Image.fromarray(square).resize((28, 28), Image.BICUBIC), np.float32)
    grey = pictures.page(pictures.enlarged(digit, 8), 600, 480, 170, 120, contrast=0.8)
    thickness = {'thin box': 3, 'thick box': 8, 'ring': 6}[kind]
    y, x = np.mgrid[:600, :480]
    if kind == 'ring':
        mark = np.abs(np.hypot(y - 282, x - 232) - 180) < thickness
    else:
        inside = (np.abs(y - 285) < 190) & (np.abs(x - 235) < 170)
        mark = inside & ~((np.abs(y - 285) < 190 - thickness) & (np.abs(x - 235) < 170 - thickness))
    grey[mark] = 40
    return pictures.noisy(grey)


def write(digit, random, kind, folder) -> str:
    """Writes a digit as a file, a photograph as a camera does that is held upright; returns its path."""
    if kind in PAPERS:
        path = os.path.join(folder, 'picture.png')
        Image.fromarray(drawn_on_paper(digit, kind).astype(np.uint8)).save(path)
        return path
    path = os.path.join(folder, 'picture.jpg')
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right when shown
    image = Image.fromarray(photographed(digit, random, kind).astype(np.uint8))
    image.rotate(90, expand=True).save(path, quality=80, exif=exif)
    return path


def count_agreements(network, digits, kind, folder) -> Tuple[int, int]:
    """How many pictures get the answer of their originals, and how many are refused, of digits uint8 [n, 28, 28]."""
    random, read, originals = np.random.RandomState(1), [], []
    for digit in digits:
        try:
            read.append(picture.as_mnist(write(digit, random, kind, folder)))
            originals.append(digit)
        except UserError:
            pass
    answers = [network.answer(inputs.flatten(np.stack(images)), 100).classes for images in (read, originals)]
    return int(np.sum(answers[0] == answers[1])), len(digits) - len(read)


def main(*runs: str) -> None:
    digits = dataset.open_dataset(None, 1).test.images[:1000, ..., 0]
    columns = []
    for run in runs:
        with prediction.open_network(prediction.Request(None, None, run, None)) as (network, _):
            with tempfile.TemporaryDirectory() as folder:
                columns.append([count_agreements(network, digits, kind, folder) for kind in LIGHTS + PAPERS])
    print('| %d test digits | %s |\n|---|%s' % (len(digits), ' | '.join(runs), '---|' * len(runs)))
    for kind, *row in zip(LIGHTS + PAPERS, *columns):
        print('| %s | %s |' % (kind, ' | '.join('%.1f %%, %d refused' % (100 * same / len(digits), refused)
                                                for same, refused in row)))


if __name__ == '__main__':
    main(*sys.argv[1:])
