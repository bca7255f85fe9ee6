"""Which images a network gets wrong, and which right ones it is least sure of.

Letters: C classes, n images.
"""

from typing import Any, Dict, List

import numpy as np

MOST = 1000  # mistakes that are recorded, the most confident ones: a network that has not learned makes thousands
LEAST_SURE = 12  # right answers of each class that are recorded


def softmax(logits: np.ndarray) -> np.ndarray:
    """float64 [n, C] of logits [n, C]."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True).astype(np.float64))
    return powers / powers.sum(axis=1, keepdims=True)


def examples(logits: np.ndarray, labels: np.ndarray) -> Dict[str, List[Dict[str, Any]]]:
    """What results.json tells of single images, the most confident mistakes first, ready for JSON.

    Args:
      logits: float32 [n, C].
      labels: int32 [n].

    Returns:
      'misclassified' and 'least_sure'; of each image its index in the split from 0, label, class (the answer),
      probability (of the answer) and all probabilities.
    """
    probabilities = softmax(logits)
    classes, sureness = logits.argmax(axis=1), probabilities.max(axis=1)
    order = np.argsort(-sureness, kind='stable')
    wrong = [i for i in order if classes[i] != labels[i]][:MOST]
    least: List[int] = []
    for label in range(logits.shape[1]):
        least += [i for i in order[::-1] if classes[i] == labels[i] == label][:LEAST_SURE]

    def describe(i: int) -> Dict[str, Any]:
        return {'index': int(i), 'label': int(labels[i]), 'class': int(classes[i]),
                'probability': float(sureness[i]), 'probabilities': [round(float(p), 6) for p in probabilities[i]]}

    return {'misclassified': [describe(i) for i in wrong], 'least_sure': [describe(i) for i in least]}
