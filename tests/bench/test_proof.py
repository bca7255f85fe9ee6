import math

import numpy as np
import pytest

from bench import proof
from bench import stepping
from lenet import flags
from lenet import platforms
from lenet.errors import UserError
from lenet.graph import step
from tests import trainings


def train_here(monkeypatch):
    """Lets the proof train in this process, on noise, so that a test can break something."""
    def final_variables(params, steps, path):
        shortened = flags.complete(params._replace(steps=steps, epochs=1), 'cpu')
        platform = platforms.choose(shortened).start()
        with stepping.open_stepper(shortened, platform, trainings.random_dataset()) as stepper:
            stepper.calls(steps)
            return stepper.variables()
    monkeypatch.setattr(proof, 'final_variables', final_variables)


def points(name, *values):
    """As read from a command line: with what depends on the rest left open."""
    asked = flags.make_params(batch_size=6, evaluate=False, replicas=2)
    asked = asked._replace(log_every=None, eval_every=None, checkpoint_every=None)
    return [(str(value), asked._replace(**{name: value})) for value in values]


@pytest.mark.parametrize('name, values, words', [
    ('iterations_per_loop', (1, 4), ['20 steps', 'bit for bit']), ('input', ('resident', 'stream'), ['bit for bit']),
    ('replicas', (1, 2, 3), ['5 steps', 'tolerated']), ('conv', ('folded', 'direct'), ['tolerated'])])
def test_what_must_be_equal_is_proven_equal(monkeypatch, name, values, words):
    train_here(monkeypatch)
    proven = proof.prove(name, points(name, *values))
    for word in words:
        assert word in proven


def test_a_loop_that_reads_a_stale_learning_rate_is_found(monkeypatch):
    train_here(monkeypatch)
    right = step.learning_rate
    monkeypatch.setattr(step, 'learning_rate', lambda number, params, size: right(number, params, size) *
                        (1 + 1e-6 * (params.iterations_per_loop > 1)))
    with pytest.raises(UserError, match='--iterations_per_loop: after 20 steps .* differs between 1 and 4'):
        proof.prove('iterations_per_loop', points('iterations_per_loop', 1, 4))


def test_a_gradient_one_percent_too_large_is_no_rounding(monkeypatch):
    train_here(monkeypatch)
    right = step.batch_loss
    monkeypatch.setattr(step, 'batch_loss', lambda *arguments: right(*arguments) *
                        (1.01 if arguments[4] == 2 else 1.0))
    with pytest.raises(UserError, match='--replicas: after 5 steps .* differs between 1 and 2'):
        proof.prove('replicas', points('replicas', 1, 2))


def test_what_cannot_be_compared_says_so_without_training():
    assert 'not comparable' in proof.prove('batch_size', points('batch_size', 6, 12))
    forms = points('conv', 'folded', 'direct')
    half = [(value, params._replace(precision_mode='force_fp16')) for value, params in forms]
    assert 'not compared' in proof.prove('conv', half)


@pytest.mark.parametrize('ns, steps', [((1, 10, 50, 100), 100), ((1, 2), 20), ((3, 7), 21), ((16, 24), 48)])
def test_every_n_divides_the_steps_of_the_proof(ns, steps):
    assert proof.common_steps(ns) == steps


@pytest.mark.parametrize('a, b, relative', [
    ([1.0, -4.0], [1.0, -4.5], 0.125), ([1.0], [1.0], 0.0), ([np.nan], [np.nan], 0.0), ([np.nan], [1.0], math.inf),
    ([0.0], [1e-9], math.inf), ([1.0], [1.0, 1.0], math.inf)])
def test_a_difference_is_relative_to_the_largest_element(a, b, relative):
    difference = proof.compare({'v': np.array(a)}, {'v': np.array(b)})
    assert difference == proof.Difference('v', pytest.approx(relative))


def test_a_missing_variable_and_a_negative_zero_are_differences():
    v = np.ones(1, np.float32)
    assert proof.compare({'v': v}, {'v': v, 'w': v}) == proof.Difference('w', math.inf)
    assert proof.compare({'v': np.array([0.0, 1.0])}, {'v': np.array([-0.0, 1.0])}).relative > 0
