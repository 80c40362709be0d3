"""What a gateway can find out about itself, each with what to do."""
