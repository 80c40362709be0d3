"""Vigil's own worker, with the real rules, that notes its CPU time after each committed round."""

from __future__ import annotations

from typing import Any

from benchmarks.observation import observer


def main() -> None:
    from alerts.fold import fold_conditions
    from alerts.rules.stages import stages
    from streams import worker
    from streams.settings import WorkerSettings

    notes, counted = observer(), worker.count

    def count(todo: Any, stored: Any) -> None:
        moves = [(move.partition, move.first, move.next) for move in todo.moves]
        notes.step(len(todo.writes.round.records), int(todo.writes.keep.sum()), moves)
        counted(todo, stored)

    worker.count = count
    worker.run(WorkerSettings(), stages(), fold_conditions)


if __name__ == "__main__":
    main()
