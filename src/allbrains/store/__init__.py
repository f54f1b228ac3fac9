"""What is on disk: the output folder's layout, the ledger, staged samples, shards, the samples table.

Rules:
    1. A file appears whole or not at all: temporary name → fsync → rename → fsync of the folder.
    2. Which shard a scan belongs to is fixed in the ledger before the scan is run, so the bytes of a
       finished corpus don't depend on the order in which scans finished, nor on interruptions.
    3. The order of a commit is: staged file, ledger, shard, ledger, staged file removed. A crash
       between any two of them leaves work to repeat, never something to lose.
    4. Nothing here reads a clock; what scans cost is in the ledger and in no Parquet file.
"""
