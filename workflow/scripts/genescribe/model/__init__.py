"""The model: encoders, pointing decoder, dense heads, grammar masks and generation."""
