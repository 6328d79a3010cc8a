"""What every backend must keep about documents that could be taken and never be read again."""

from pathlib import Path
from typing import Any

import pytest
from bson.binary import Binary

from tristore import DocumentStore, ValidationError
from tristore.adapters.backend import EVERYTHING, Query, WritePlan
from tristore.operations import import_lines

from ..billing import BillingUnitOfWork

Billing = DocumentStore[BillingUnitOfWork]

GOOD = '{"_id": {"$oid": "%024x"}, "email": "c%d@example.org", "name": "c"}'
POISON = [
    f'{{"_id": {{"$oid": "{170:024x}"}}, "email": "a@b.cc", "name": "c", "x": {value}}}'
    for value in (
        '{"$binary": {"base64": "YWJj", "subType": "04"}}',
        '{"$binary": "YWJj", "$type": "04"}',
        '[{"deep": {"$binary": {"base64": "", "subType": "04"}}}]',
        r'"\ud800"',
        "1180591620717411303424",
    )
]


class PoisonContract:
    """Lines that an import must not take, and documents that a plan must not write."""

    @pytest.mark.parametrize("poison", POISON)
    def test_one_line_poisons_nothing(self, store: Billing, tmp_path: Path, poison: str) -> None:
        """A line with a value that no store could give back is set aside; the others are stored, and all is read."""
        file = tmp_path / "c.jsonl"
        file.write_text("\n".join([GOOD % (1, 1), poison, GOOD % (2, 2)]))

        report = import_lines(store, "customers", file)
        with store.reader() as billing:
            emails = [found.email for found in billing.customers.find(sort="email")]

        assert (3, 2, 1) == (report.lines, report.inserted, report.rejected)
        assert ["c1@example.org", "c2@example.org"] == emails

    @pytest.mark.parametrize("value", [Binary(b"abc", 4), {"a": [Binary(b"", 4)]}])
    def test_nobody_can_write_it(self, store: Billing, value: Any) -> None:
        """Nor can a plan bring it in, however it is written."""
        plan = WritePlan("customers", "version", inserts=[{"_id": 1, "x": value}])
        store.environment.ensure_prepared()
        with pytest.raises(ValidationError):
            store.backend.write(plan, transaction=None, timeout=5.0)
        result = store.backend.write_many(plan, timeout=5.0)

        assert [0] == list(result.errors)
        assert 0 == store.backend.count("customers", EVERYTHING, limit=None, transaction=None, timeout=5.0)
        assert [] == store.backend.find("customers", Query(), transaction=None, timeout=5.0).to_list()


__all__ = ["PoisonContract"]
