"""The stream worker: opening, engine, store, ledger."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported: its threads spin and cost four times the work
