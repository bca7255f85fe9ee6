"""Where the description of a file lies. Without TensorFlow: a command line is checked by it."""

import re


def path_of(path: str) -> str:
    """'x/lenet.pb', 'x/lenet.tflite' and 'x/lenet.onnx' -> 'x/lenet.json'."""
    return re.sub(r'\.(pb|tflite|onnx)$', '', path) + '.json'
