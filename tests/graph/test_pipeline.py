import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import pipeline
from tests import trainings


def read_order(n, batch_size, calls, **options):
    with tf.Graph().as_default(), tf.Session() as session:
        batch = tf.data.make_initializable_iterator(pipeline.order(n, batch_size, **options))
        numbers = batch.get_next()
        session.run(batch.initializer)
        return [session.run(numbers).tolist() for _ in range(calls)]


SOURCES = {'stream': pipeline.stream, 'resident': pipeline.resident}
each_source = pytest.mark.parametrize('source', sorted(SOURCES))


def read_training(source, steps, split, **options):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        opened = SOURCES[source](split, **options)
        batch = opened.next_batch()
        assert graph.as_graph_def().ByteSize() < 40000  # the images are not in it
        session.run(tf.local_variables_initializer())
        session.run(opened.iterator.initializer)
        return [session.run(batch) for _ in range(steps)]


def test_every_epoch_visits_every_image_once_in_an_order_of_its_own():
    sequence = sum(read_order(13, 7, calls=13, seed=3), [])  # 91 = 7 epochs of 13, batches across their ends
    epochs = [sequence[i:i + 13] for i in range(0, 91, 13)]
    assert all(sorted(epoch) == list(range(13)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 7


def test_the_order_is_a_pure_function_of_seed_and_step():
    whole = read_order(13, 7, calls=9, seed=3)
    assert read_order(13, 7, calls=9, seed=3) == whole
    assert read_order(13, 7, calls=9, seed=4) != whole
    for start in (1, 2, 5):
        assert read_order(13, 7, calls=9 - start, seed=3, start_step=start) == whole[start:]


@pytest.mark.parametrize('n, batch_size', [(12, 8), (12, 4), (6, 12), (13, 13)])
def test_a_start_at_any_step_where_batches_and_epochs_share_a_divisor(n, batch_size):
    whole = read_order(n, batch_size, calls=7, seed=3)
    sequence = sum(whole, [])
    assert all(sorted(sequence[i:i + n]) == list(range(n)) for i in range(0, len(sequence) - n + 1, n))
    for start in range(1, 7):
        assert read_order(n, batch_size, calls=7 - start, seed=3, start_step=start) == whole[start:]


def test_a_batch_may_be_larger_than_an_epoch():
    sequence = sum(read_order(5, 12, calls=5, seed=1), [])
    assert all(sorted(sequence[i:i + 5]) == list(range(5)) for i in range(0, 60, 5))


def test_without_shuffling_the_files_order_is_kept():
    assert read_order(5, 3, calls=3, seed=1, shuffle=False) == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]


@each_source
def test_batches_hold_the_images_and_labels_of_the_order(source):
    split = trainings.random_split(13)
    order = read_order(13, 7, calls=4, seed=6)
    for numbers, (images, labels) in zip(order, read_training(source, 4, split, batch_size=7, seed=6)):
        np.testing.assert_array_equal(images, split.images[numbers])
        np.testing.assert_array_equal(labels, split.labels[numbers])
        assert images.dtype == np.uint8 and labels.dtype == np.int32


def test_numbers_of_several_steps_at_once_are_those_of_each():
    order = read_order(13, 7, calls=6, seed=6, start_step=1)
    assert sum(read_order(13, 7, calls=2, seed=6, start_step=1, steps=3), []) == order
    split = trainings.random_split(13)
    with tf.Graph().as_default(), tf.Session() as session:
        source = pipeline.resident(split, batch_size=7, seed=6, start_step=1, steps=3)
        batches = [source.next_batch(tf.constant(step)) for step in range(3)]
        session.run(tf.local_variables_initializer())
        session.run(source.iterator.initializer)
        for numbers, (images, labels) in zip(order, session.run(batches) + session.run(batches)):
            np.testing.assert_array_equal(images, split.images[numbers])
            np.testing.assert_array_equal(labels, split.labels[numbers])


@each_source
@pytest.mark.parametrize('size', [2, 3])
def test_the_stripes_of_all_ranks_make_the_batch_of_one(source, size):
    split = trainings.random_split(29)
    whole = read_training(source, 3, split, batch_size=4 * size, seed=2)
    stripes = [read_training(source, 3, split, batch_size=4, seed=2, rank=rank, size=size) for rank in range(size)]
    for step, (images, _) in enumerate(whole):
        np.testing.assert_array_equal(images, np.concatenate([stripe[step][0] for stripe in stripes]))


@each_source
def test_training_batches_have_static_shapes_and_need_no_placeholder(source):
    with tf.Graph().as_default() as graph:
        images, labels = SOURCES[source](trainings.random_split(999), batch_size=7, seed=1).next_batch()
        assert images.shape.as_list() == [7, 28, 28, 1] and labels.shape.as_list() == [7]
        assert not [op.name for op in graph.get_operations() if op.type.startswith('Placeholder')]


def test_constant_input_is_the_first_batch_over_and_over():
    split = trainings.random_split(5)
    with tf.Graph().as_default(), tf.Session() as session:
        batch = pipeline.constant(split, 7)()
        session.run(tf.local_variables_initializer())
        for _ in range(2):
            images, labels = session.run(batch)
            np.testing.assert_array_equal(images, split.images[[0, 1, 2, 3, 4, 0, 1]])
            np.testing.assert_array_equal(labels, split.labels[[0, 1, 2, 3, 4, 0, 1]])


@pytest.mark.parametrize('is_resident', [False, True])
@pytest.mark.parametrize('batch_size', [1, 5, 13, 99])
def test_evaluation_reads_everything_once_in_order_and_pads_the_last_batch(batch_size, is_resident):
    split = trainings.random_split(13)
    with tf.Graph().as_default(), tf.Session() as session:
        iterator, next_batch = pipeline.evaluation(split, batch_size, is_resident=is_resident)
        batch = next_batch()
        session.run(tf.local_variables_initializer())
        assert batch[0].shape.as_list() == [batch_size, 28, 28, 1]
        for _ in range(2):  # an iterator initialized again starts from the first image
            session.run(iterator.initializer)
            batches = [session.run(batch) for _ in range(-(-13 // batch_size))]
            np.testing.assert_array_equal(np.concatenate([images for images, _ in batches])[:13], split.images)
            np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches])[:13], split.labels)
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run(batch)


@pytest.mark.parametrize('is_resident', [False, True])
def test_the_stripes_of_an_evaluation_make_the_whole(is_resident):
    split, parts = trainings.random_split(13), []
    for rank in range(3):
        with tf.Graph().as_default(), tf.Session() as session:
            iterator, next_batch = pipeline.evaluation(split, 2, rank, 3, is_resident)
            batch = next_batch()
            session.run(tf.local_variables_initializer())
            session.run(iterator.initializer)
            parts.append([session.run(batch)[1] for _ in range(3)])
    together = np.concatenate([part[step] for step in range(3) for part in parts])
    np.testing.assert_array_equal(together[:13], split.labels)
