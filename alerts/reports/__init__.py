"""What a programme did in a stretch of time: days with readings, calls and what came of them."""
