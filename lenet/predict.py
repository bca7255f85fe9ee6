"""Says which digit a photograph or scan shows.

  python -m lenet.predict seven.jpg                          with the newest checkpoint of --output_dir
  python -m lenet.predict --model_path=lenet.pb *.png        with a file of lenet.freeze (.pb, .tflite, .onnx)
  python -m lenet.predict --json *.png                       one JSON object a line
  python -m lenet.predict --several 1984.jpg                 all digits of a picture, from left to right, in one line

Exit statuses: 0 done, 1 failed, or some picture could not be read (the others are answered), 2 wrong command line.
"""

import sys
from typing import Any, List

from absl import flags

from lenet.errors import UserError
from lenet.export import model_flags
from lenet.photo import drawing
from lenet.photo import picture
from lenet.support import entry
from lenet.support import progress
from lenet.support import stack

FLAGS = flags.FLAGS


def print_error(error: UserError) -> None:
    progress.tell('error: %s' % error)


def describe(digits: List[Any]) -> str:
    """The answer for a picture as a terminal shows it."""
    path, image, probabilities = digits[0]
    if FLAGS.several:
        return drawing.describe_several(path, [digit.probabilities for digit in digits], sys.stdout.encoding)
    return '\n'.join(drawing.describe(path, image, probabilities, FLAGS.picture, sys.stdout.encoding))


def main(*paths: str) -> int:
    model_flags.check(FLAGS)
    with stack.importing():
        picture.require_packages()
        from lenet.export import prediction  # seconds of imports, after the command line is known to be right
    request = prediction.Request(*(FLAGS[name].value for name in prediction.Request._fields))
    answered = 0
    with prediction.open_network(request) as (network, dark_on_light):
        for digits in prediction.predict(network, dark_on_light, list(paths), print_error, FLAGS.several):
            print(prediction.as_json(digits, FLAGS.several) if FLAGS.json else describe(digits), flush=True)
            answered += 1
    return 0 if answered == len(paths) else 1


if __name__ == '__main__':
    model_flags.define_model_path()
    model_flags.define_network()
    flags.DEFINE_bool('picture', True, 'Draws the 28x28 pixels that the network sees.')
    flags.DEFINE_bool('json', False, 'Prints one JSON object a line: file, class, probabilities.')
    flags.DEFINE_bool('several', False, 'Answers all digits of a picture, from left to right, in one line without a '
                      'drawing, "FILE: 4 2 (99.98 %, 98.31 %)"; with --json, classes and probabilities are lists, an '
                      'item a digit. Default: a picture of more than one digit is an error.')
    flags.adopt_module_key_flags(model_flags)
    entry.run(main, positional='IMAGE', several=True)
