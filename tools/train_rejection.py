"""Train ``src/allbrains/reject_model.json`` from public ratings.

    pip download --no-deps mriqc-learn==0.0.3
    python tools/train_rejection.py mriqc_learn-0.0.3-py3-none-any.whl DATA/qc

The wheel (Apache-2.0) brings ABIDE (1,101 scans) and DS030 (265); the folder holds ``mrart_iqm.tsv`` and
``mrart_scores.tsv`` of MR-ART (CC0). How well the model does: ``bench/rejection.py``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from public_ratings import held_out, ratings, trained

TARGET = Path(__file__).parent.parent / "src/allbrains/reject_model.json"
FALSE_ALARMS = 0.05


def main() -> None:
    """Write the model of all scans, with the limit that unseen sites say."""
    of = ratings(Path(sys.argv[1]), Path(sys.argv[2]))
    whole = trained(of, np.ones(of.bad.shape, bool))
    limit = float(np.quantile(held_out(of)[of.bad == 0], 1 - FALSE_ALARMS))
    told = asdict(whole) | {"limit": round(limit, 2)}
    TARGET.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(
        f"{len(of.bad)} scans of {len(np.unique(of.site))} sites, {of.bad.sum():.0f} bad; limit {limit:.3f}"
    )


if __name__ == "__main__":
    main()
