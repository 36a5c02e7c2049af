"""Which passages are encoded together."""

from __future__ import annotations


def batches(counts: list[int], most_tokens: int, most_rows: int) -> list[list[int]]:
    """Rows grouped by length, longest first, each group within the budget of padded tokens.

    The grouping depends on the counts alone, so that equal passages give equal vectors.
    """
    groups: list[list[int]] = []
    widest = 0
    for row in sorted(range(len(counts)), key=lambda row: (-counts[row], row)):
        full = groups and (
            (len(groups[-1]) + 1) * widest > most_tokens or len(groups[-1]) == most_rows
        )
        if not groups or full:
            groups.append([])
            widest = counts[row]
        groups[-1].append(row)
    return groups
