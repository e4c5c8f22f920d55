"""What documents say about the code is what the code says."""

from benchmarks import properties_table


def test_table_of_properties_is_current():
    """properties/README.md is what benchmarks.properties_table writes today."""
    assert properties_table.TABLE.read_text("utf-8") == properties_table.table(), (
        "python -m benchmarks.properties_table"
    )
