"""From a photograph or scan to an image of MNIST's kind."""
