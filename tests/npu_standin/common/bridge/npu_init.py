"""The module that a program must not import: since adapter r1.9 it patches tf.Session.__init__."""

from standin import violations

violations.violate('import-npu-init', 'npu_bridge.npu_init was imported')
