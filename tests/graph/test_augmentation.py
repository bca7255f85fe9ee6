import math

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet.data import dataset
from lenet.errors import UsageError
from lenet.graph import augmentation
from lenet.graph import model
from lenet.graph import step
from lenet.graph import strokes
from lenet.graph import training_graph
from tests import trainings

HEIGHT, WIDTH, IMAGES = 13, 9, 7
ALL = augmentation.Amounts(rotation=10.0, scale=1.12, shear=0.12, shift=1.5, elastic=0.6, stroke=1.6)
FIELD = augmentation.Amounts(elastic=0.6)
LIMITS = dict(augment_rotation=20, augment_scale=1.3, augment_shear=0.3, augment_shift=3, augment_elastic=1.2,
              augment_stroke=2)


def noise(height=HEIGHT, width=WIDTH, images=IMAGES):
    return np.random.RandomState(3).randint(0, 256, (images, height, width, 1)).astype(np.uint8)


def drawn(amounts, images, at=0, seed=1, size=(HEIGHT, WIDTH)):
    return trainings.compute(lambda: augmentation.draw(seed, tf.constant(at, tf.int64), images, amounts, size))


def warped(images, maps, convolution='direct'):
    numbers = model.lay_out(augmentation.pixel_numbers(*images.shape[1:3]), convolution)
    surrounded = augmentation.surround(images)
    return trainings.compute(lambda: augmentation.warp(tf.constant(surrounded), tf.constant(maps), numbers))


def affine_maps(images, angle=0.0, scales=(1.0, 1.0), shear=0.0, shifts=(0.0, 0.0)):
    """The same map for every one of `images`, without a field."""
    def all_alike(value):
        return tf.constant(np.full(math.ceil(len(images) / augmentation.TOGETHER), value, np.float32))
    maps = trainings.compute(lambda: augmentation.affine(
        all_alike(angle), tf.stack([all_alike(scale) for scale in scales]), all_alike(shear),
        tf.stack([all_alike(shift) for shift in shifts])))
    terms = drawn(augmentation.Amounts(), 1, size=images.shape[1:3]).shape[2]
    return np.pad(maps, ((0, 0), (0, 0), (0, terms - 3)), 'constant')


def numpy_warp(image, angle, scales, shear, shifts):
    """In float64, pixel by pixel, from the definition; image [H, W]."""
    height, width = image.shape
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = turn @ np.array([[1, 0], [shear, 1]]) @ np.diag(scales)
    centre, result = np.array([(height - 1) / 2, (width - 1) / 2]), np.zeros(image.shape)

    def pixel(y, x):
        return float(image[y, x]) if 0 <= y < height and 0 <= x < width else 0.0
    for place in np.ndindex(height, width):
        y, x = matrix @ (place - centre) + centre + shifts
        top, left = math.floor(y), math.floor(x)
        down, right = y - top, x - left
        result[place] = ((1 - down) * (1 - right) * pixel(top, left) + (1 - down) * right * pixel(top, left + 1) +
                         down * (1 - right) * pixel(top + 1, left) + down * right * pixel(top + 1, left + 1))
    return result


@pytest.mark.parametrize('size', [(13, 9), (28, 28), (1, 5)], ids=['odd', 'mnist', 'a row'])
def test_amounts_of_nothing_change_no_byte(size):
    images = noise(*size)
    np.testing.assert_array_equal(warped(images, drawn(augmentation.Amounts(), IMAGES, size=size)), images)


def test_a_shift_by_whole_pixels_moves_every_byte_and_brings_in_ground():
    images = noise()
    expected = np.zeros_like(images)
    expected[:, :-2, 3:] = images[:, 2:, :-3]
    np.testing.assert_array_equal(warped(images, affine_maps(images, shifts=(2, -3))), expected)


def test_between_pixels_lies_their_mean():
    images = np.full((1, 13, 9, 1), 100, np.uint8)
    images[0, 4, 5] = 200
    assert warped(images, affine_maps(images, shifts=(0.5, -0.25)))[0, 3:5, 5:7, 0].tolist() == [[138, 113], [138, 113]]


def test_a_mean_of_four_pixels_is_within_a_grey_level_of_the_nearest():
    """Of all shares and of all corners of the cube of pixels, others in each of the four bytes."""
    down, right = np.mgrid[:256, :256].astype(np.int32)
    corners = np.array([[255 * (corner >> bit & 1) for bit in range(4)] for corner in range(16)])
    exact = ((256 - down) * (256 - right), down * (256 - right), (256 - down) * right, down * right)
    for start in range(16):
        four = corners[(start + 5 * np.arange(4)) % 16]
        packed = np.sum(four.astype(np.uint32) << (8 * np.arange(4, dtype=np.uint32))[:, np.newaxis], axis=0,
                        dtype=np.uint32).view(np.int32)
        means = trainings.compute(lambda: augmentation._interpolate(
            [tf.fill([256, 256], int(pixel)) for pixel in packed], tf.constant(down), tf.constant(right)))
        for byte, pixels in enumerate(four):
            wanted = sum(pixel * share for pixel, share in zip(pixels, exact)) / 2 ** 16
            assert np.abs((means >> (8 * byte) & 255) - wanted).max() < 1.5


def test_places_are_exact_sums_at_the_bounds_of_the_flags():
    """So that they depend neither on the order of the sums nor on how many images there are."""
    amounts = augmentation.amounts(flags.make_params(augment='elastic', **LIMITS))
    maps, order = drawn(amounts, 200, size=(28, 28)), np.arange(1, 785)
    grid = np.array([2.0 ** 17] * 3 + [2.0 ** 6] * 36)
    factors = np.round(maps.astype(np.float64) * grid) / grid
    factors[:, :, 2] += 14.5  # the image's centre, surrounded
    basis = augmentation._basis(28, 28, order)
    exact = factors.reshape(100, -1) @ basis.astype(np.float64)
    np.testing.assert_array_equal(
        trainings.compute(lambda: augmentation._sources(tf.constant(maps), 31, 31, tf.constant(basis))), exact)


def test_far_outside_there_is_only_ground():
    images = noise()
    assert not warped(images, affine_maps(images, shifts=(1e6, 0))).any()
    assert not warped(images, affine_maps(images, shifts=(0, -1e6))).any()


def test_a_quarter_turn_is_one_to_the_byte():
    images = noise(13, 13)
    turned = warped(images, affine_maps(images, angle=math.pi / 2))
    np.testing.assert_array_equal(turned, np.rot90(images, -1, axes=(1, 2)))


@pytest.mark.parametrize('values', [
    dict(angle=0.3), dict(scales=(1.3, 0.8)), dict(shear=-0.4), dict(shifts=(0.37, -2.71)),
    dict(angle=-0.7, scales=(0.9, 1.2), shear=0.25, shifts=(-1.5, 0.8))],
    ids=['rotation', 'scale', 'shear', 'shift', 'all'])
def test_affine_maps_do_what_numpy_does_pixel_by_pixel(values):
    images, all_values = noise(), dict(dict(angle=0.0, scales=(1.0, 1.0), shear=0.0, shifts=(0.0, 0.0)), **values)
    expected = np.stack([numpy_warp(image[:, :, 0], **all_values) for image in images])
    # Coordinates are rounded to 1/256 pixel, and noise goes from 0 to 255 within one.
    error = warped(images, affine_maps(images, **values))[..., 0] - expected
    assert np.abs(error).max() < 2 and np.abs(error).mean() < 0.5


def test_a_folded_convolution_gets_its_blocks():
    images = noise(28, 28)
    maps = drawn(ALL, IMAGES, size=(28, 28))
    np.testing.assert_array_equal(warped(images, maps, 'folded'), model.lay_out(warped(images, maps), 'folded'))


def test_draws_fill_their_bounds_and_no_more():
    to_y, to_x = drawn(ALL, 16000).astype(np.float64)
    angle, width = np.arctan2(-to_y[:, 1], to_x[:, 1]), np.hypot(to_y[:, 1], to_x[:, 1])
    height = np.cos(angle) * to_y[:, 0] + np.sin(angle) * to_x[:, 0]
    shear = (np.cos(angle) * to_x[:, 0] - np.sin(angle) * to_y[:, 0]) / height
    for value, bound in [(np.degrees(angle), 10), (np.log(width), math.log(1.12)), (np.log(height), math.log(1.12)),
                         (shear, 0.12), (to_y[:, 2], 1.5), (to_x[:, 2], 1.5)]:
        assert 0.99 * bound < np.abs(value).max() < 1.0001 * bound
        assert abs(value.mean()) < 0.05 * bound and value.std() == pytest.approx(bound / 3 ** 0.5, rel=0.05)


def displacements(axis, images=3600):
    """Of the inner pixels of many images by the field, as a ramp of 9 grey levels a pixel along `axis` shows them."""
    ramp = np.broadcast_to(9 * np.arange(28, dtype=np.uint8).reshape([28, 1] if axis == 0 else [28]), (28, 28))
    images = np.repeat(ramp[np.newaxis, :, :, np.newaxis], images, axis=0)
    moved = warped(images, drawn(FIELD, len(images), size=(28, 28))).astype(np.float64) - images
    return moved[::augmentation.TOGETHER, 4:-4, 4:-4, 0] / 9


@pytest.mark.parametrize('axis', [0, 1], ids=['y', 'x'])
def test_the_field_moves_every_pixel_by_its_root_mean_square_and_neighbours_alike(axis):
    moved = displacements(axis)
    rms = np.sqrt(np.mean(moved ** 2, axis=0))
    assert np.sqrt(np.mean(moved ** 2)) == pytest.approx(0.6, rel=0.03)
    assert rms.min() > 0.53 and rms.max() < 0.67 and np.abs(moved.mean(axis=0)).max() < 0.08
    assert np.sqrt(np.mean(np.diff(moved, axis=1) ** 2)) < 0.2
    assert abs(np.mean(moved[:, 0, 0] * moved[:, -1, -1])) < 0.05  # far apart they know nothing of each other


def test_the_two_axes_are_moved_independently():
    assert abs(np.mean(displacements(0) * displacements(1))) < 0.03


def test_draws_are_a_pure_function_of_seed_and_step():
    maps = drawn(ALL, IMAGES, at=5)
    np.testing.assert_array_equal(drawn(ALL, IMAGES, at=5), maps)
    for other in (drawn(ALL, IMAGES, at=6), drawn(ALL, IMAGES, at=5, seed=2)):
        assert np.abs(other - maps).min() > 0
    assert len(np.unique(maps[0, :, 2])) == math.ceil(IMAGES / augmentation.TOGETHER)  # each group has its own


def test_four_images_that_follow_one_another_share_a_map():
    images = np.repeat(noise()[:1], 8, axis=0)
    moved = warped(images, drawn(ALL, 8))
    for group in (moved[:4], moved[4:]):
        np.testing.assert_array_equal(group, np.repeat(group[:1], 4, axis=0))
    assert (moved[0] != moved[4]).any()


def test_there_is_no_gradient_into_the_maps():
    def gradient():
        maps = tf.constant(drawn(ALL, IMAGES))
        pixels = augmentation.warp(tf.constant(augmentation.surround(noise())), maps,
                                   augmentation.pixel_numbers(HEIGHT, WIDTH))
        assert tf.gradients(tf.cast(pixels, tf.float32), [maps]) == [None]
        return tf.no_op()
    trainings.compute(gradient)


def test_affine_alone_has_no_field():
    amounts = augmentation.amounts(flags.make_params(augment='affine'))
    assert amounts == ALL._replace(elastic=0.0) and not drawn(amounts, IMAGES)[:, :, 3:].any()
    assert augmentation.amounts(flags.make_params(augment='elastic')) == ALL
    assert augmentation.amounts(flags.make_params()) is None


@pytest.mark.parametrize('name', sorted(LIMITS))
def test_what_would_make_another_digit_is_refused(name):
    flags.make_params(**{name: LIMITS[name]})
    with pytest.raises(UsageError, match=name):
        flags.make_params(**{name: LIMITS[name] + 0.1})


# Through the training graph.


class Stripe:
    """A rank as far as input goes."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


def batches(steps, rank=0, size=1, start_step=0, in_step=False, **values):
    """Images and labels of some steps, distorted in the pipeline or in the step."""
    params, ranks = flags.make_params(augment='elastic', **values), Stripe(rank, size)
    with tf.Graph().as_default(), tf.Session() as session:
        distort, number = training_graph.distortion(params, ranks), tf.placeholder(tf.int64, [])
        source = training_graph.open_input(params, ranks, trainings.random_split(29), start_step,
                                           distort=None if in_step else distort)
        images, labels = source.next_batch()
        if in_step:
            images = distort(images, number)
        assert images.shape.is_fully_defined()
        session.run(tf.local_variables_initializer())
        session.run(source.iterator.initializer)
        return [session.run((images, labels), {number: start_step + step}) for step in range(steps)]


@pytest.mark.parametrize('values', [dict(replicas=1), dict(replicas=4), dict(replicas=2, input='stream'),
                                    dict(replicas=2, conv='direct'), dict(batch_size=6, replicas=3)],
                         ids=['r=1', 'r=4', 'stream', 'direct', 'towers of two'])
def test_the_step_and_the_pipeline_distort_alike(values):
    values = dict(dict(batch_size=8), **values)
    one_tower = dict(values, replicas=1)
    for got, wanted in zip(batches(3, start_step=2, in_step=True, **values), batches(3, start_step=2, **one_tower)):
        for one, other in zip(got, wanted):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize('size, batch_size', [(2, 4), (3, 4), (3, 3), (2, 1), (2, 6)])
def test_the_stripes_of_all_ranks_make_the_distorted_batch_of_one(size, batch_size):
    whole = batches(3, batch_size=batch_size * size, replicas=1)
    towers = 2 if batch_size % 2 == 0 else 1
    stripes = [batches(3, rank, size, batch_size=batch_size, replicas=towers) for rank in range(size)]
    for at, (images, labels) in enumerate(whole):
        np.testing.assert_array_equal(images, np.concatenate([stripe[at][0] for stripe in stripes]))
        np.testing.assert_array_equal(labels, np.concatenate([stripe[at][1] for stripe in stripes]))


def test_strokes_are_changed_last_by_the_draws_of_the_step():
    warped_only, whole = (batches(3, start_step=2, batch_size=7, seed=5, augment_stroke=most) for most in (1, 2))
    for at, ((images, _), (changed, _)) in enumerate(zip(warped_only, whole), 2):
        np.testing.assert_array_equal(changed, trainings.compute(
            lambda: strokes.change(tf.constant(images), strokes.draw(5, tf.constant(at, tf.int64), 7, 2.0))))
        assert (changed != images).any()


def test_a_start_at_any_step_distorts_as_an_uninterrupted_run():
    whole = batches(5, batch_size=7)
    for at, (images, labels) in zip((3, 4), batches(2, batch_size=7, start_step=3)):
        np.testing.assert_array_equal(images, whole[at][0])
        np.testing.assert_array_equal(labels, whole[at][1])


def test_an_image_seen_again_is_another():
    seen = batches(2, batch_size=29)
    first, second = (images[np.argsort(labels, kind='mergesort')] for images, labels in seen)
    assert not (first == second).all(axis=(1, 2, 3)).any()


def train(**values):
    return trainings.train_in_memory(trainings.random_dataset(), 6, batch_size=12, augment='elastic', **values)


@pytest.fixture(scope='module')
def trained():
    """Variables, losses, outputs of six steps in three calls."""
    return train(iterations_per_loop=2)


@pytest.mark.parametrize('values', [dict(iterations_per_loop=1), dict(iterations_per_loop=6),
                                    dict(iterations_per_loop=2, input='stream')], ids=['n=1', 'n=6', 'stream'])
def test_neither_n_nor_the_kind_of_input_changes_a_bit(trained, values):
    variables, losses, _ = train(**values)
    trainings.require_equal((variables, losses), trained)


@pytest.mark.parametrize('values', [dict(replicas=1), dict(replicas=3), dict(conv='direct')],
                         ids=['r=1', 'r=3', 'direct'])
def test_replicas_and_convolutions_see_the_same_images(trained, values):
    np.testing.assert_allclose(train(iterations_per_loop=2, **values)[1], trained[1], rtol=1e-5)


def test_a_resume_in_the_middle_ends_with_the_same_bytes(trained):
    trainings.require_resume_to_the_same_bytes(trained, batch_size=12, augment='elastic')


def test_other_kinds_give_other_trainings(trained):
    affine = trainings.train_in_memory(trainings.random_dataset(), 6, batch_size=12, augment='affine',
                                       iterations_per_loop=2)
    plain = trainings.train_in_memory(trainings.random_dataset(), 6, batch_size=12, iterations_per_loop=2)
    assert len({losses[1][0] for losses in (affine, plain, trained)}) == 3


@pytest.mark.slow
def test_a_digit_distorted_to_the_bounds_of_the_flags_is_still_the_same_digit(mnist):
    """A network that was trained on such images tells test images apart that are distorted as far as flags allow."""
    data = dataset.open_dataset(mnist, 1, 10)
    weights, _, _ = trainings.train_in_memory(data, 2000, activation='relu', evaluate=False, augment='elastic',
                                              learning_rate=0.002, learning_rate_schedule='linear', **LIMITS)
    images, labels = data.test.images[:2000], data.test.labels[:2000]

    def share_right(maps, gain=1.0, level=0.5):
        with tf.Graph().as_default(), tf.Session() as session:
            constants = {name: tf.constant(weights[name]) for name in model.variable_shapes()}
            written = strokes.change(tf.constant(warped(images, maps)), tf.tile([[gain, level]], [len(images), 1]))
            logits = trainings.forward(step.normalize(written), constants, model.Form('relu'))
            return np.mean(session.run(logits).argmax(axis=1) == labels)
    extremes = [dict(angle=sign * math.radians(LIMITS['augment_rotation'])) for sign in (-1, 1)]
    extremes += [dict(shear=sign * LIMITS['augment_shear']) for sign in (-1, 1)]
    scale, shift = LIMITS['augment_scale'], LIMITS['augment_shift']
    extremes += [dict(scales=(scale ** y, scale ** x)) for y in (-1, 1) for x in (-1, 1)]
    extremes += [dict(shifts=(shift * y, shift * x)) for y in (-1, 1) for x in (-1, 1)]
    field = augmentation.Amounts(elastic=LIMITS['augment_elastic'])
    plain = share_right(affine_maps(images))
    shares = [share_right(affine_maps(images, **values)) for values in extremes]
    shares.append(share_right(drawn(field, len(images), size=(28, 28))))
    gain = float(LIMITS['augment_stroke'])
    shares += [share_right(affine_maps(images), gain, level) for level in (0.5, 255.5 - 255 * gain)]
    assert plain > 0.96 and min(shares) > plain - 0.035, (plain, shares)
