-- A call holds its key by a short lease that it renews while it runs, so that a process that died keeps nobody waiting.
-- `claim` names the holder: a call that lost its lease (a process stopped for longer than that) neither prolongs nor ends
-- the claim of the one that took over. Calls that run while this is applied keep their old expiry.
ALTER TABLE idempotency_keys ADD COLUMN claim text CHECK (claim IS NULL OR status IS NULL);
