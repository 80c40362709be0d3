"""The work of a programme in a period: days with readings, calls and what came of them."""
