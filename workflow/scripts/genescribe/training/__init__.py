"""Training: one loop for pre-training and fine-tuning, with exact resume."""
