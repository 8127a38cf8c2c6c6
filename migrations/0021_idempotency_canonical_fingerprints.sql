-- The same call may be written in several ways: spaces, order of keys, `2.0` for `2`. `fingerprint` stays that of the bytes,
-- which the previous version of the program compares while it runs beside this one; here is that of what they say, null
-- in rows of that version. It is the SHA-256 of `fingerprint` and of the digest of the value, so that it counts beside
-- that fingerprint alone: the previous version, taking an expired row for another call, leaves it as it was.
ALTER TABLE idempotency_keys ADD COLUMN canonical_fingerprint bytea
    CHECK (octet_length(canonical_fingerprint) = 32);
