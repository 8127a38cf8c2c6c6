-- Who may call: API keys, and the secrets that sign links.
--
-- Both tables are new: the previous version of the program runs beside this one and does not read them. It does not
-- check keys either, so it must not be reachable by callers once `--auth keys` is in use.

-- An API key fixes the tenant and the environment of its calls. The key itself is shown once; only its hash is stored.
CREATE TABLE api_keys (
    -- The public part of the key, by which its row is found.
    id text PRIMARY KEY,
    -- SHA-256 of the secret part.
    secret_sha256 bytea NOT NULL,
    tenant_id text NOT NULL,
    env text NOT NULL,
    -- The user of all its calls; NULL leaves the user to the caller.
    user_id text,
    -- 'read': GET and HEAD; 'write': everything but what reads files of the machine; 'admin': everything.
    scope text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT api_keys_secret CHECK (octet_length(secret_sha256) = 32),
    CONSTRAINT api_keys_scope CHECK (scope IN ('read', 'write', 'admin'))
);

CREATE INDEX api_keys_owner ON api_keys (tenant_id, env, created_at);

-- Secrets of signed links, of the whole installation: the newest signs, the one before it still verifies.
CREATE TABLE link_secrets (
    id text PRIMARY KEY,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT link_secrets_length CHECK (octet_length(secret) = 32)
);
