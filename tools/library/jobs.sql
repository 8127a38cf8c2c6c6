-- Jobs :first to :last that have ended; one in a thousand was cancelled.
INSERT INTO jobs (tenant_id, env, id, kind, priority, state, ticket, request_id, access_level, path, body, created_at, finished_at)
SELECT 't1', 'dev', 'job_' || lpad(n::text, 8, '0'), CASE WHEN n % 2 = 0 THEN 'analyze' ELSE 'detect_hits' END, 'interactive',
       CASE WHEN n % 1000 = 0 THEN 'cancelled' ELSE 'failed' END, n, 'r', 'write', '/', '{}', now() + n * interval '1 microsecond',
       now() + n * interval '1 microsecond'
FROM generate_series(:first::bigint, :last::bigint) n;
