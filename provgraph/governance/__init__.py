"""What keeps the record trustworthy: audits, seals, erasures, exchange with others."""
