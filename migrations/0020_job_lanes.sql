-- Jobs: claims that cannot be confused, turns that are fair in each lane, large bodies outside the database.
--
-- The previous version of the program runs beside this one: it inserts rows without the new columns (a lane has a
-- default), keeps its own turns in job_tickets and job_served, and reads none of what is new. Its rows have no `queue_id`
-- while they run; this version never takes such a row over.

ALTER TABLE jobs
    -- Work that shares its workers: a render does not wait behind analyses.
    ADD COLUMN lane text NOT NULL DEFAULT 'analysis',
    -- The entry of the queue whose start this is: another entry of the same job finds that it runs.
    ADD COLUMN queue_id bigint,
    -- For an estimate of the time that is left.
    ADD COLUMN running_since timestamptz,
    -- SHA-256 of path, user and body: two jobs of an owner that have it in common do the same work.
    ADD COLUMN work bytea,
    -- A request of more than 1 MiB: the URI of its blob; `body` is empty then.
    ADD COLUMN body_uri text;

CREATE INDEX jobs_waiting_in_lane ON jobs (lane, priority, ticket) WHERE state = 'queued';
CREATE INDEX jobs_of_work ON jobs (tenant_id, env, work) WHERE state IN ('queued', 'running');
-- Blobs that jobs refer to, for their collection.
CREATE INDEX jobs_body_uri ON jobs (body_uri) WHERE body_uri IS NOT NULL;

-- An answer of more than 1 MiB: the URI of its blob; `body` is empty then.
ALTER TABLE job_results ADD COLUMN body_uri text;
CREATE INDEX job_results_body_uri ON job_results (body_uri) WHERE body_uri IS NOT NULL;

-- Start-time fair queueing in each lane and priority: with one count for all, a lane that moves fast would put those who
-- come to a slow one behind all that waits there.
CREATE TABLE job_turns (
    lane text NOT NULL,
    priority text NOT NULL,
    tenant_id text NOT NULL,
    last_ticket bigint NOT NULL,
    PRIMARY KEY (lane, priority, tenant_id)
);
CREATE TABLE job_served_in_lane (
    lane text NOT NULL,
    priority text NOT NULL,
    ticket bigint NOT NULL,
    PRIMARY KEY (lane, priority)
);

-- Which kinds live workers run. A row that is not renewed counts for nothing.
CREATE TABLE job_workers (
    id text PRIMARY KEY,
    kinds text[] NOT NULL,
    seen_at timestamptz NOT NULL
);
