"""What the launcher's tests run as ranks: `python -m tests.rank_module ACTION …`.

Without TensorFlow, but for `allreduce`.
"""

import json
import os
import signal
import sys
import time


def number() -> int:
    return int(os.environ.get('RANK_ID') or os.environ['HOROVOD_RANK'])


def environment():
    print(json.dumps(dict(os.environ)))


def allreduce():
    import horovod.tensorflow as hvd
    import tensorflow.compat.v1 as tf
    hvd.init()
    with tf.Session() as session:
        total = session.run(hvd.allreduce(tf.constant([hvd.rank() + 1.0, 10.0]), op=hvd.Sum))
    print(json.dumps([hvd.rank(), hvd.size(), total.tolist()]))
    if len(sys.argv) > 3:
        n = 0
        with tf.Session() as session:
            op = hvd.allreduce(tf.constant([hvd.rank() + 1.0, 10.0]), op=hvd.Sum)
            while True:
                session.run(op)
                n += 1
                if n % 1000 == 0: print(n)
                if sys.argv[3] == 'stall' and n == 3000 and hvd.rank() == 1: time.sleep(1000)

if __name__ == '__main__':
    globals()[sys.argv[1]]()
