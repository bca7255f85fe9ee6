"""Says which digit a photograph or scan shows.

  python -m lenet.predict seven.jpg                          with the newest checkpoint of --output_dir
  python -m lenet.predict --model_path=lenet.pb *.png        with a frozen graph
  python -m lenet.predict --json *.png                       one JSON object a line

Exit statuses: 0 done, 1 failed, or some picture could not be read (the others are answered), 2 wrong command line.
"""

import sys

from absl import flags

from lenet.errors import UsageError, UserError
from lenet.export import model_flags
from lenet.photo import drawing
from lenet.photo import picture
from lenet.support import entry
from lenet.support import progress
from lenet.support import stack
from lenet.support.flag_parsing import define_path

FLAGS = flags.FLAGS


def check_flags() -> None:
    """Raises UsageError where the flags do not say which network to take."""
    if FLAGS.model_path is None:
        return
    if FLAGS.checkpoint is not None:
        raise UsageError('--model_path=%s and --checkpoint=%s: give one of them' % (FLAGS.model_path, FLAGS.checkpoint))
    if FLAGS.activation is not None:
        raise UsageError('--activation=%s: the graph of --model_path has its own; leave one out' % FLAGS.activation)


def print_error(error: UserError) -> None:
    progress.tell('error: %s' % error)


def main(*paths: str) -> int:
    check_flags()
    with stack.importing():
        picture.require_packages()
        from lenet.export import prediction  # seconds of imports, after the command line is known to be right
    request = prediction.Request(*(FLAGS[name].value for name in prediction.Request._fields))
    answered = 0
    with prediction.open_network(request) as network:
        for answer in prediction.predict(network, list(paths), print_error):
            text = prediction.as_json(answer) if FLAGS.json else '\n'.join(drawing.describe(
                answer.path, answer.image, answer.probabilities, FLAGS.picture, sys.stdout.encoding))
            print(text, flush=True)
            answered += 1
    return 0 if answered == len(paths) else 1


if __name__ == '__main__':
    define_path('model_path', None, 'A frozen graph (.pb) to answer with, instead of a checkpoint.')
    model_flags.define_network()
    flags.DEFINE_bool('picture', True, 'Draws the 28x28 pixels that the network sees.')
    flags.DEFINE_bool('json', False, 'Prints one JSON object a line: file, class, probabilities.')
    flags.adopt_module_key_flags(model_flags)
    entry.run(main, positional='IMAGE', several=True)
