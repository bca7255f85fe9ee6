"""What comes after training: checkpoints turned into frozen graphs, and these asked for answers."""
