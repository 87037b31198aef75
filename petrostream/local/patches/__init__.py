"""What has to be mended in moto, by service; each mend says what stock moto does wrong.

Pinned to moto 5.2.5. Each has a test that fails once moto no longer needs it: see
`tests/integration/local/test_patches.py`.
"""

from typing import Final

from petrostream.local.patches import athena, budgets, glue, lambda_, s3, sqs, sqs_redrive
from petrostream.local.patches._mend import Mend

MENDS: Final[tuple[Mend, ...]] = (
    *sqs.MENDS,
    *sqs_redrive.MENDS,
    *s3.MENDS,
    *lambda_.MENDS,
    *budgets.MENDS,
    *athena.MENDS,
    *glue.MENDS,
)


def apply() -> None:
    """Mend moto in this process."""
    for mend in MENDS:
        setattr(mend.owner, mend.name, mend.replacement)
