"""Says which digit a photograph or scan shows.

  python -m lenet.predict seven.jpg                          with the newest checkpoint of --output_dir
  python -m lenet.predict --model_path=lenet.pb *.png        with a frozen graph
  python -m lenet.predict --json *.png                       one JSON object a line

Exit statuses: 0 done, 1 failed, or some picture could not be read (the others are answered), 2 wrong command line.
"""

import contextlib
import json
import sys
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np
from absl import flags

from lenet.errors import UsageError, UserError
from lenet.export import model_flags
from lenet.support import entry
from lenet.support import signals

AT_A_TIME = 64  # pictures: the first answers do not wait for the last picture
LISTED = 10  # classes, the most likely
BAR = 24  # characters
BLOCKS = {(False, False): ' ', (True, False): '\u2580', (False, True): '\u2584', (True, True): '\u2588'}
SHADES = ' .:-=+*#%@'

FLAGS = flags.FLAGS


def half_blocks(image: np.ndarray) -> List[str]:
    """uint8 [28, 28, 1] -> 14 lines of 28 characters, each of two pixels, one above the other."""
    inked = image[..., 0] >= 96
    return [''.join(BLOCKS[pair] for pair in zip(upper, lower)) for upper, lower in zip(inked[::2], inked[1::2])]


def shades(image: np.ndarray) -> List[str]:
    """The same in ASCII: the mean of two pixels as one of ten shades."""
    means = image.astype(float)[..., 0].reshape(14, 2, 28).mean(axis=1)
    return [''.join(SHADES[int(value * len(SHADES) / 256)] for value in row) for row in means]


def can_print_blocks(encoding: Optional[str]) -> bool:
    """Whether all of BLOCKS are in an encoding."""
    try:
        ''.join(BLOCKS.values()).encode(encoding or 'ascii')
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def printable(text: str, encoding: Optional[str]) -> str:
    """`text` with escapes for what the encoding has not, and for line breaks and other control characters."""
    text = ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text)
    return text.encode(encoding or 'ascii', 'backslashreplace').decode(encoding or 'ascii')


def ranking(probabilities: np.ndarray, block: str) -> List[str]:
    """The most likely classes, one a line, the first one the answer.

    Args:
      probabilities: float32 [C].
      block: what bars are made of.
    """
    order = np.argsort(-probabilities, kind='stable')[:LISTED]
    return [('%d %6.2f %% %s' % (i, 100 * probabilities[i], block * int(round(BAR * float(probabilities[i]))))).rstrip()
            for i in order]


def described(name: str, image: np.ndarray, probabilities: np.ndarray, picture: bool,
              encoding: Optional[str]) -> List[str]:
    """The answer for one picture, line by line.

    Args:
      name: of the file.
      image: uint8 [28, 28, 1], what the network saw.
      probabilities: float32 [C].
      picture: whether to draw the image too.
      encoding: of the output.
    """
    blocks = can_print_blocks(encoding)
    best = int(np.argmax(probabilities))
    head = '%s: %d (%.2f %%)' % (printable(name, encoding), best, 100 * probabilities[best])
    ranks = ranking(probabilities, BLOCKS[True, True] if blocks else '#')
    if not picture:
        return [head] + ['  ' + line for line in ranks]
    drawn = half_blocks(image) if blocks else shades(image)
    ranks = [''] * ((len(drawn) - len(ranks)) // 2) + ranks
    ranks += [''] * (len(drawn) - len(ranks))
    return [head] + ['  %s  %s' % pair if pair[1] else ('  ' + pair[0]).rstrip() for pair in zip(drawn, ranks)]


def as_json(name: str, probabilities: np.ndarray) -> str:
    """One line; bytes of the name that are no text stay as \\udcXX."""
    return json.dumps({'file': name, 'class': int(np.argmax(probabilities)),
                       'probabilities': [round(float(p), 6) for p in probabilities]})


@contextlib.contextmanager
def opened_network() -> Iterator[Any]:
    """A frozen.Network of --model_path, or of a checkpoint."""
    with signals.held():
        from lenet.graph import model  # seconds, after the command line is known to be right
        from lenet import platforms  # seconds, after the command line is known to be right
        from lenet.export import frozen, trained
    if FLAGS.model_path is not None:
        source, graph_def = FLAGS.model_path, frozen.read(FLAGS.model_path)
    else:
        require_checkpoint()
        found = trained.load(FLAGS.checkpoint, FLAGS.output_dir, FLAGS.activation)
        source, graph_def = found.path, frozen.build(found.weights, model.Form(found.activation))
    with frozen.open_network(graph_def, platforms.inference_config('cpu'), source) as network:
        yield network


def require_checkpoint() -> None:
    """Raises UserError where nothing tells which network to take, and --output_dir holds none."""
    from lenet.run import checkpoint
    if FLAGS.checkpoint is None and not checkpoint.listed(FLAGS.output_dir):
        raise UserError('--output_dir=%s: holds no checkpoint; train first (./run_1p.sh), or give --checkpoint or '
                        '--model_path' % FLAGS.output_dir)


def readable(paths: List[str]) -> Iterator[Tuple[str, np.ndarray]]:
    """The pictures that can be read, with their names; an error in one line for each other."""
    from lenet.photo import picture
    for path in paths:
        try:
            yield path, picture.as_mnist(path)
        except UserError as error:
            print('error: %s' % printable(str(error), sys.stderr.encoding), file=sys.stderr, flush=True)


def answer(network: Any, pictures: List[Tuple[str, np.ndarray]]) -> None:
    """Prints what the network says of some pictures."""
    from lenet.export import frozen
    names, images = zip(*pictures)
    answers = network.answer(frozen.flatten(np.stack(images)), AT_A_TIME)
    for name, image, probabilities in zip(names, images, answers.probabilities):
        if FLAGS.json:
            print(as_json(name, probabilities))
        else:
            print('\n'.join(described(name, image, probabilities, FLAGS.picture, sys.stdout.encoding)))
    sys.stdout.flush()


def check_flags() -> None:
    """Raises UsageError where the flags do not say which network to take."""
    for name in ('model_path', 'checkpoint', 'output_dir'):
        if FLAGS[name].value == '':
            raise UsageError('--%s is empty: give a path, or leave it out' % name)
    if FLAGS.model_path is None:
        return
    if FLAGS.checkpoint is not None:
        raise UsageError('--model_path=%s and --checkpoint=%s: give one of them' % (FLAGS.model_path, FLAGS.checkpoint))
    if FLAGS.activation is not None:
        raise UsageError('--activation=%s: the graph of --model_path has its own; leave one out' % FLAGS.activation)


def main(*paths: str) -> int:
    check_flags()
    from lenet.photo import picture
    picture.require_pillow()
    answered = 0
    with opened_network() as network:
        for start in range(0, len(paths), AT_A_TIME):
            pictures = list(readable(list(paths[start:start + AT_A_TIME])))
            if pictures:
                answer(network, pictures)
            answered += len(pictures)
    return 0 if answered == len(paths) else 1


if __name__ == '__main__':
    flags.DEFINE_string('model_path', None, 'A frozen graph (.pb) to answer with, instead of a checkpoint.')
    model_flags.define_network()
    flags.DEFINE_bool('picture', True, 'Draws the 28x28 pixels that the network sees.')
    flags.DEFINE_bool('json', False, 'Prints one JSON object a line: file, class, probabilities.')
    flags.adopt_module_key_flags(model_flags)
    entry.run(main, positional='IMAGE', several=True)
