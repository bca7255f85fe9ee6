"""What the device computes: tensors in, tensors out; no flags, no session, no files.

Read in this order: model, step, loop, training_graph, pipeline, evaluation; then folding, precision, loss_scaling,
loss_scale_optimizer, schedule, augmentation, name_patterns.
"""
