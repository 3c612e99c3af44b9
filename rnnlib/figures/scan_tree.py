"""A linear recurrence as a chain and as a tree: operations, and how many must wait for one another (chapter 11)."""

from __future__ import annotations

import traitlets

from rnnlib.figures.base import Figure


class ScanTree(Figure):
    """Drag the number of steps, and see when the loop's chain and the scan's tree have all their states; ▶ runs both.

    The recurrence is h_t = a_t h_{t−1} + b_t from h_0 = 0. A round is a product and a sum, one after the other; in a
    round, everything is done that waits for nothing any more. Above, each state waits for the one before. Below, steps
    are joined in pairs, as `rnnlib.modern.tree` does: what stands in one row can be done in the same round. The state
    that has to wait longest is drawn with its way. What is counted is what `rnnlib.modern.scan_cost` counts.

    Parameters
    ----------
    steps : int
        T, from 2 to 32.
    round : int
        After how many rounds the two are looked at.

    Examples
    --------
    >>> ScanTree(steps=8)
    ScanTree(round=6, steps=8)
    """

    title = traitlets.Unicode("Who has all its states first?").tag(sync=True)
    fallback = (
        "It computes the states of h_t = a_t h_{t−1} + b_t in two ways: as a chain, in which every state waits for the "
        "one before it, and as a tree, in which neighbouring steps are joined in pairs and the pairs in pairs. With 16 "
        "steps the chain needs 15 rounds of a product and a sum and 30 operations, the tree 6 rounds and 63 operations."
    )

    steps = traitlets.Int(16, min=2, max=32).tag(sync=True, control=True)
    round = traitlets.Int(6, min=0, max=31).tag(sync=True, control=True)
