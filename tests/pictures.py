"""Pictures of digits for tests: strokes drawn by hand, digits of MNIST as a photograph would show them."""

import numpy as np
import pytest


def skip_without_packages():
    """Leaves out the tests of a module that needs Pillow and SciPy."""
    for module in ('PIL.Image', 'scipy.ndimage'):
        pytest.importorskip(module, reason='not installed: requirements-images.txt')


def seven(height=60, stroke=8):
    """float64 [height, height * 2 // 3] in [0, 1]: a bar above, a leaning line below it."""
    width = height * 2 // 3
    rows, columns = np.mgrid[:height, :width]
    leaning = (width - stroke) * (1 - rows / (height - 1))
    return ((rows < stroke) | ((columns >= leaning) & (columns < leaning + stroke))).astype(float)


def enlarged(digit, times, smooth=True):
    """uint8 [28, 28] -> float64 [28 * times, 28 * times] in [0, 1]."""
    from PIL import Image
    size = (28 * times, 28 * times)
    return np.asarray(Image.fromarray(digit).resize(size, Image.BICUBIC if smooth else Image.NEAREST)) / 255


def page(ink, height, width, top, left, paper=220.0, contrast=0.7):
    """float64 [height, width], grey: ink on paper."""
    grey = np.full((height, width), float(paper))
    grey[top:top + ink.shape[0], left:left + ink.shape[1]] *= 1 - contrast * ink
    return grey


def noisy(grey, deviation=4, seed=0):
    """float32, rounded to the grey levels of a file."""
    noise = np.random.RandomState(seed).normal(0, deviation, grey.shape) if deviation else 0
    return np.clip(np.rint(grey + noise), 0, 255).astype(np.float32)
