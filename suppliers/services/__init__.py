"""What is done with suppliers and their papers."""
