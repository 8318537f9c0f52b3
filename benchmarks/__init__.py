"""What the product reaches beside its limit, both measured in one run."""
