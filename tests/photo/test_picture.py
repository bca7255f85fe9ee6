import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest

from lenet.photo import picture
from tests import pictures
from tests.data_files import error_of

pictures.skip_without_packages()
from PIL import Image  # noqa: E402

GREY = pictures.page(pictures.seven(), 140, 130, 30, 40).astype(np.uint8)
PICTURE = Image.fromarray(GREY)


@pytest.fixture
def expected(tmp_path):
    PICTURE.save(str(tmp_path / 'plain.png'))
    return picture.as_mnist(str(tmp_path / 'plain.png'))


def read_saved(tmp_path, image, name='picture.png', **options):
    image.save(str(tmp_path / name), **options)
    return picture.as_mnist(str(tmp_path / name))


def difference(made, expected):
    """Grey levels of 255, in the mean; a pixel to either side is the rounding of a centre of mass."""
    shifts = [np.roll(made.astype(float), (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(np.abs(shifted - expected).mean() for shifted in shifts)


def with_alpha(grey, ink):
    return Image.merge('LA', [Image.fromarray(np.full_like(GREY, grey)), Image.fromarray((255 * ink).astype(np.uint8))])


INK = pictures.page(pictures.seven(), 140, 130, 30, 40, paper=1, contrast=1)  # 0 where drawn
FORMS = {
    'RGB': PICTURE.convert('RGB'), 'palette': PICTURE.convert('P'), 'CMYK': PICTURE.convert('RGB').convert('CMYK'),
    'opaque RGBA': PICTURE.convert('RGBA'), 'inverted': Image.fromarray(255 - GREY),
    'one bit': Image.fromarray(INK > 0), '16 bits': Image.fromarray(GREY.astype(np.uint16) * np.uint16(257)),
    '12 bits in 16': Image.fromarray(GREY.astype(np.uint16) * 16), 'float': Image.fromarray(GREY / np.float32(255)),
    'black on transparent': with_alpha(0, 1 - INK), 'white on transparent': with_alpha(255, 1 - INK),
    'RGBA, black on transparent': with_alpha(0, 1 - INK).convert('RGBA'), 'twice as large': PICTURE.resize((260, 280))}


@pytest.mark.parametrize('form', sorted(FORMS))
def test_one_digit_in_any_form_gives_one_image(tmp_path, expected, form):
    made = read_saved(tmp_path, FORMS[form], 'picture.tif')
    assert made.dtype == np.uint8 and made.shape == (28, 28, 1)
    assert difference(made, expected) < 2


@pytest.mark.parametrize('name, options', [
    ('a.jpg', dict(quality=50)), ('a.gif', {}), ('a.bmp', {}), ('a.webp', {}), ('a.pgm', {}), ('a.png', {}),
    ('no_extension', dict(format='PNG')), ('wrong_extension.jpg', dict(format='PNG'))])
def test_formats(tmp_path, expected, name, options):
    made = read_saved(tmp_path, PICTURE, name, **options)
    assert difference(made, expected) < 4


def test_16_bits_of_png_and_a_transparent_palette_colour(tmp_path, expected):
    made = read_saved(tmp_path, FORMS['16 bits'], 'deep.png')
    assert difference(made, expected) < 2
    indexed = Image.fromarray((INK > 0).astype(np.uint8), 'P')
    indexed.putpalette([0, 0, 0] * 256)  # both colours are black; one is transparent
    made = read_saved(tmp_path, indexed, 'palette.gif', transparency=1)
    assert difference(made, expected) < 2


@pytest.mark.parametrize('orientation, turned', [
    (1, GREY), (2, GREY[:, ::-1]), (3, GREY[::-1, ::-1]), (4, GREY[::-1]), (5, GREY.T), (6, np.rot90(GREY)),
    (7, GREY[::-1, ::-1].T), (8, np.rot90(GREY, -1))])
def test_a_camera_turned_by_exif_gives_the_upright_digit(tmp_path, expected, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read_saved(tmp_path, Image.fromarray(turned), exif=exif), expected)


def test_a_28x28_picture_of_mnists_kind_is_taken_exactly(tmp_path):
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, 7:20] = np.random.RandomState(0).randint(0, 256, (20, 13))
    image = Image.fromarray(digit)
    for image in (image, image.convert('RGB'), Image.fromarray(digit * np.uint16(257))):
        np.testing.assert_array_equal(read_saved(tmp_path, image)[..., 0], digit)


def test_a_large_photograph_is_reduced_first(tmp_path, expected):
    made = read_saved(tmp_path, PICTURE.resize((2600, 2800), Image.BICUBIC))
    assert difference(made, expected) < 4
    assert max(picture.read_grey(str(tmp_path / 'picture.png')).shape) <= picture.WORKING_SIDE


def test_grey_levels_keep_the_scale_of_their_depth():
    for white, depth in ((1, 1), (254, 255), (4000, 4095), (65278, 65535), (10 ** 6, 10 ** 6)):
        np.testing.assert_allclose(picture.to_255(np.float32([[0, white]])), [[0, 255 * white / depth]], rtol=1e-5)
    np.testing.assert_allclose(picture.to_255(np.float32([[-5, 250]])), [[0, 255]])


def encoded(image, **options):
    stream = io.BytesIO()
    image.save(stream, **options)
    return stream.getvalue()


PNG, JPEG, TIFF = [encoded(PICTURE, format=name) for name in ('PNG', 'JPEG', 'TIFF')]
NOT_FINITE = encoded(Image.fromarray(np.where(INK > 0, np.float32('nan'), np.float32(0))), format='TIFF')
ANIMATED = encoded(PICTURE, format='GIF', save_all=True, append_images=[Image.fromarray(255 - GREY), PICTURE])
BOMB = PNG[:16] + struct.pack('>II', 50000, 50000) + PNG[24:29]
BOMB += struct.pack('>I', zlib.crc32(BOMB[12:29])) + PNG[33:]
LARGE = encoded(Image.new('1', (10000, 10000)), format='PNG')


@pytest.mark.parametrize('content, words', [
    (b'', ['expected a picture (PNG, JPEG,', 'got an empty file']),
    (b'some text', ['expected a picture (PNG, JPEG,', 'got something else; save it as PNG or JPEG']),
    (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', ['got something else']),
    (PNG[:len(PNG) // 2], ['the picture is damaged', 'save it as PNG or JPEG again']),
    (PNG[:40], ['got something else']),
    (JPEG[:len(JPEG) // 2], ['the picture is damaged']),
    (TIFF[:len(TIFF) // 2], ['the picture is damaged']),
    (PNG[:60] + bytes(20) + PNG[80:], ['the picture is damaged']),
    (NOT_FINITE, ['not finite']),
    (ANIMATED, ['holds 3 pictures', 'save the one that is meant by itself']),
    (BOMB, ['more than 89 million pixels; scale it down']),
    (LARGE, ['more than 89 million pixels; scale it down']),
    (encoded(Image.new('L', (99, 70), 200), format='PNG'), ['holds no digit', '99x70 pixels is blank']),
    (encoded(Image.new('RGBA', (99, 70)), format='PNG'), ['holds no digit', '99x70 pixels is blank'])],
    ids=['empty', 'text', 'EPS', 'half a PNG', 'PNG header', 'half a JPEG', 'half a TIFF', 'zeroed', 'NaN', 'animated',
         'bomb', 'large', 'blank', 'transparent'])
def test_bad_files_end_in_one_line_that_names_them(tmp_path, content, words):
    path = tmp_path / 'bad.png'
    path.write_bytes(content)
    message = error_of(picture.as_mnist, str(path))
    assert message.startswith('%s: ' % path)
    for word in words:
        assert word in message


@pytest.mark.parametrize('make, words', [
    (os.mkdir, 'cannot be read (Is a directory); name a picture'),
    (lambda path: None, 'cannot be read (No such file or directory); name a picture'),
    (os.mkfifo, 'is no regular file; name a picture'),
    (lambda path: os.symlink('/dev/zero', path), 'is no regular file; name a picture'),
    (lambda path: open(path, 'wb').truncate(1 << 40), 'more than the 1073741824 that it can have; name a picture')],
    ids=['directory', 'missing', 'pipe', 'device', 'sparse'])
def test_what_is_no_file_is_named(tmp_path, make, words):
    path = str(tmp_path / 'x.png')
    make(path)
    message = error_of(picture.as_mnist, path)
    assert message.startswith(path + ': ') and words in message


@pytest.mark.skipif(os.geteuid() == 0, reason='root reads everything')
def test_an_unreadable_file_is_named(tmp_path):
    PICTURE.save(str(tmp_path / 'picture.png'))
    os.chmod(str(tmp_path / 'picture.png'), 0)
    assert 'cannot be read (Permission denied)' in error_of(picture.as_mnist, str(tmp_path / 'picture.png'))


@pytest.mark.parametrize('content', [PNG, JPEG, TIFF, ANIMATED], ids=['PNG', 'JPEG', 'TIFF', 'GIF'])
def test_any_damage_gives_an_image_or_one_line(tmp_path, content):
    random, path = np.random.RandomState(0), tmp_path / 'damaged'
    for _ in range(60):
        damaged = bytearray(content[:random.randint(len(content) // 2, len(content) + 1)])
        for _ in range(random.randint(1, 9)):
            damaged[random.randint(min(len(damaged), 400))] = random.randint(256)
        path.write_bytes(bytes(damaged))
        try:
            assert picture.as_mnist(str(path)).shape == (28, 28, 1)
        except picture.UserError as error:
            assert str(error).startswith('%s: ' % path) and '\n' not in str(error)


@pytest.mark.parametrize('package', ['PIL', 'scipy'])
def test_without_a_package_the_requirements_are_named(monkeypatch, package):
    for module in [name for name in sys.modules if name.split('.')[0] == package] + [package]:
        monkeypatch.setitem(sys.modules, module, None)
    message = error_of(picture.as_mnist, 'x.png')
    assert message.startswith('reading pictures needs Pillow and SciPy (') and package in message
    assert message.endswith('): pip install -r requirements-images.txt')
