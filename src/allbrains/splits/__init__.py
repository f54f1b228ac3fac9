"""Training, validation and test, by person: no person is on two sides.

Two scans are of one person where dataset and subject agree (an accession's other spellings count as the same
dataset), where the bytes are the same, or where the brain is.
"""
