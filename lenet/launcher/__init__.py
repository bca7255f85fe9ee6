"""Several ranks as processes: their environments, their output, their ends. Nothing here imports TensorFlow."""
