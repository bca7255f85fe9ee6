"""Reads a photograph or scan of one digit, in any form that Pillow decodes, as an image of MNIST's kind.

Pillow and SciPy are needed in this folder alone (requirements-images.txt) and imported when a picture is read.
"""

import importlib
import os
import warnings
from typing import Any, List

import numpy as np

from lenet.errors import UserError, one_line
from lenet.support import files

# What cameras, scanners and browsers write. Others of Pillow's decoders start programs, or are rarely tried.
FORMATS = ('PNG', 'JPEG', 'GIF', 'BMP', 'TIFF', 'WEBP', 'PPM')
WORKING_SIDE = 1024  # pixels: a larger picture is reduced first, which also averages its noise away
BAND = 64  # rows of the reduced picture that are made at a time
MOST_BYTES = 1 << 30  # of a file: 89 million pixels of four times 16 bits, not compressed, are 0.7 GB
ORIENTATION = 0x0112  # EXIF's tag
DEPTHS = (1, 255, 1023, 4095, 65535)  # what white may be in pictures of more than 8 bits


def as_mnist(path: str) -> np.ndarray:
    """The one digit of a picture as MNIST would hold it; see lenet/photo/mnist_form.py.

    Returns:
      uint8 [28, 28, 1], light ink on black ground.

    Raises:
      UserError: Pillow or SciPy is missing, the file cannot be read, or it does not hold one digit.
    """
    digits = digits_of(path)
    if len(digits) > 1:
        raise UserError('%s: holds %d marks of the size of a digit; cut out the one that is meant, or have all of them '
                        'answered by lenet.predict --several' % (path, len(digits)))
    return digits[0]


def digits_of(path: str) -> List[np.ndarray]:
    """As `as_mnist`, for one or more digits, from left to right."""
    require_packages()
    from lenet.photo import mnist_form
    return mnist_form.normalise(read_grey(path), path)


def require_packages() -> None:
    """Raises UserError where Pillow or SciPy is missing."""
    for module in ('PIL.Image', 'scipy.ndimage'):
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise UserError('reading pictures needs Pillow and SciPy (%s): pip install -r requirements-images.txt' %
                            error)


def read_grey(path: str) -> np.ndarray:
    """A picture's luminance: upright, on a ground where it was transparent, at most WORKING_SIDE pixels a side.

    Returns:
      float32 [H, W] in [0, 255], 0 black.

    Raises:
      UserError: the file cannot be read, or is not one picture.
    """
    with files.opening(path, MOST_BYTES, 'name a picture') as stream, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of decoders, about what they read nevertheless
        return _decode(stream, path)


def _decode(stream: Any, path: str) -> np.ndarray:
    from PIL import Image
    try:
        with Image.open(stream, formats=FORMATS) as image:
            _check_size(image, path)
            _check_single(image, path)
            image.draft('L', (WORKING_SIDE, WORKING_SIDE))  # JPEG is decoded at an eighth, a quarter, a half
            return _upright(_grey(image), image)
    except (UserError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise _too_large(path)
    except Image.UnidentifiedImageError:
        kind = 'an empty file' if os.fstat(stream.fileno()).st_size == 0 else 'something else'
        raise UserError('%s: expected a picture (%s), got %s; save it as PNG or JPEG' %
                        (path, ', '.join(FORMATS), kind))
    except Exception as error:  # Pillow's decoders raise whatever damaged data lead them into
        raise UserError('%s: the picture is damaged, or of a rare kind (%s); save it as PNG or JPEG again' %
                        (path, one_line(error)))


def _check_size(image: Any, path: str) -> None:
    from PIL import Image
    if image.width * image.height > Image.MAX_IMAGE_PIXELS:  # Pillow itself refuses twice as many
        raise _too_large(path)


def _too_large(path: str) -> UserError:
    from PIL import Image
    return UserError('%s: has more than %d million pixels; scale it down' % (path, Image.MAX_IMAGE_PIXELS // 10 ** 6))


def _check_single(image: Any, path: str) -> None:
    count = getattr(image, 'n_frames', 1)
    if count > 1 and image.format != 'MPO':  # a camera's: the photograph, then previews of it
        raise UserError('%s: holds %d pictures, as animations and documents do; save the one that is meant by itself' %
                        (path, count))


def _grey(image: Any) -> np.ndarray:
    from lenet.photo import ink
    if image.mode in ('RGBA', 'LA', 'PA', 'RGBa', 'La') or 'transparency' in image.info:
        grey, alpha = np.moveaxis(_pixels(image, 'RGBA', 'LA'), -1, 0)
        return ink.over_ground(grey, alpha / 255)
    if image.mode[0] in 'IF':  # more than 8 bits; Pillow's conversion to L would clip them
        return to_255(_pixels(image, 'F'))
    return _pixels(image, 'L')


def _pixels(image: Any, *modes: str) -> np.ndarray:
    """Converts to each of `modes` in turn and reduces, band by band: copies of the whole would take gigabytes."""
    factor = -(-max(image.size) // WORKING_SIDE)
    bands = []
    for top in range(0, image.height, BAND * factor):
        band = image.crop((0, top, image.width, min(top + BAND * factor, image.height)))
        for mode in modes:
            band = band.convert(mode)
        bands.append(np.asarray(band if factor == 1 else band.reduce(factor), np.float32))
    return np.concatenate(bands)


def _upright(grey: np.ndarray, image: Any) -> np.ndarray:
    """Turns grey levels as the EXIF data of their picture say."""
    from PIL import Image, ImageOps
    turned = Image.fromarray(grey)
    turned.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
    return np.asarray(ImageOps.exif_transpose(turned))


def to_255(values: np.ndarray) -> np.ndarray:
    """Brings grey levels of an unknown depth to [0, 255]: the smallest depth of DEPTHS that holds the brightest.

    Args:
      values: float32 [H, W].

    Raises:
      ValueError: not all of them are finite.
    """
    values = values - min(0, values.min())
    if not np.isfinite(values).all():
        raise ValueError('grey levels that are not finite')
    highest = float(values.max())
    white = next((depth for depth in DEPTHS if depth >= highest), highest)
    return (values * np.float64(255 / white)).astype(np.float32)
