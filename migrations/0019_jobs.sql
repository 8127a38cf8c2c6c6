-- Jobs: work that outlives its request.
--
-- The queue itself (claims, leases, retries) is graphile_worker's, in a schema of its own; it is migrated by that library.
-- These tables hold what callers see. All are new: the previous version of the program runs beside this one and neither
-- reads nor writes them; its synchronous calls need no job.

CREATE TABLE jobs (
    tenant_id text NOT NULL,
    env text NOT NULL,
    id text NOT NULL,
    user_id text,
    -- Which call it runs, such as 'analyze'.
    kind text NOT NULL,
    priority text NOT NULL,
    state text NOT NULL,
    -- What a running job does; why a queued one waits.
    stage text,
    -- 0 to 1; never falls.
    progress double precision NOT NULL DEFAULT 0,
    -- Starts. Counted here, as the queue does not count one whose worker died.
    attempts integer NOT NULL DEFAULT 0,
    -- Starts in a row whose worker died.
    lost integer NOT NULL DEFAULT 0,
    -- Its turn among all jobs of its priority.
    ticket bigint NOT NULL,
    -- The request: it is sent to the service's own router by the worker.
    request_id text NOT NULL,
    access_level text NOT NULL,
    path text NOT NULL,
    body text NOT NULL,
    cancel_requested boolean NOT NULL DEFAULT false,
    -- The answer: the status of a job that has succeeded, the problem of one that has failed.
    result_status integer,
    problem jsonb,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT jobs_priority CHECK (priority IN ('interactive', 'batch')),
    CONSTRAINT jobs_state CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT jobs_progress CHECK (progress BETWEEN 0 AND 1),
    CONSTRAINT jobs_finished CHECK ((finished_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled')))
);

CREATE INDEX jobs_newest ON jobs (tenant_id, env, created_at DESC, id DESC);
-- How many are ahead of one, and how many of a tenant wait.
CREATE INDEX jobs_waiting ON jobs (priority, ticket) WHERE state = 'queued';
CREATE INDEX jobs_waiting_of_tenant ON jobs (tenant_id) WHERE state = 'queued';
-- Retention.
CREATE INDEX jobs_finished_at ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- Answers, apart from the rows that are listed: an answer may have megabytes.
CREATE TABLE job_results (
    tenant_id text NOT NULL,
    env text NOT NULL,
    job_id text NOT NULL,
    media_type text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant_id, env, job_id),
    FOREIGN KEY (tenant_id, env, job_id) REFERENCES jobs ON DELETE CASCADE
);

-- What happened, for event streams that resume.
CREATE TABLE job_events (
    tenant_id text NOT NULL,
    env text NOT NULL,
    job_id text NOT NULL,
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    -- 'state' or 'progress'.
    event text NOT NULL,
    data jsonb NOT NULL,
    -- A stream of several jobs reads only up to the oldest transaction that still runs: sequences are given out before
    -- transactions are committed, and a later one must not be read before an earlier one.
    written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (tenant_id, env, job_id, sequence),
    FOREIGN KEY (tenant_id, env, job_id) REFERENCES jobs ON DELETE CASCADE
);

CREATE INDEX job_events_of_owner ON job_events (tenant_id, env, sequence);

-- Start-time fair queueing: a tenant's next job gets the ticket after both its last one and the one now served.
CREATE TABLE job_tickets (
    tenant_id text PRIMARY KEY,
    last_ticket bigint NOT NULL
);

CREATE TABLE job_served (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    ticket bigint NOT NULL
);
INSERT INTO job_served (ticket) VALUES (0);
