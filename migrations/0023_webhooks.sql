-- Webhooks: where an owner is told of jobs, and every delivery with its tries.
--
-- A delivery is written in the transaction that changes the job's state, so that none is lost; a worker sends it. The
-- previous version of the program runs beside this one: jobs that it ends are not told.

CREATE TABLE webhooks (
    tenant_id text NOT NULL,
    env text NOT NULL,
    id text NOT NULL,
    url text NOT NULL,
    -- Of which kinds of jobs; all of them where it is empty.
    kinds text[] NOT NULL,
    states text[] NOT NULL,
    -- The secret of its signatures, in base64. It is needed for every one, so it is not hashed.
    secret text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, env, id)
);

CREATE TABLE webhook_deliveries (
    tenant_id text NOT NULL,
    env text NOT NULL,
    webhook_id text NOT NULL,
    id text NOT NULL,
    job_id text NOT NULL,
    -- The state of the job that is told.
    job_state text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    -- The next try; while one runs, when it counts as lost. Null when there is none.
    next_attempt_at timestamptz,
    last_attempt_at timestamptz,
    -- The HTTP status of the last try, or why there was none.
    last_status integer,
    last_error text,
    PRIMARY KEY (tenant_id, env, webhook_id, id),
    FOREIGN KEY (tenant_id, env, webhook_id) REFERENCES webhooks ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed')),
    CONSTRAINT webhook_deliveries_next CHECK ((next_attempt_at IS NOT NULL) = (state = 'pending'))
);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (tenant_id, env, webhook_id, created_at DESC, id DESC);
-- Retention.
CREATE INDEX webhook_deliveries_created_at ON webhook_deliveries (created_at);
