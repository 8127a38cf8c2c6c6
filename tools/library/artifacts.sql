-- Artifacts :first to :last of the first owner's :assets recordings, ten of each: one in ten is a sample (seven hits, a loop, two
-- phrases of ten), one in a hundred a timeline that the service measured.
INSERT INTO artifacts (tenant_id, env, id, parent_asset_id, kind, uri, size_bytes, start_us, end_us, created_at, meta)
SELECT 't1', 'dev', 'artifact_' || lpad(n::text, 10, '0'), 'asset_' || lpad((n % :assets)::text, 8, '0'), k.kind,
       'blob://sha256/' || encode(sha256(convert_to('artifact' || n, 'UTF8')), 'hex'), 20000 + n % 1000,
       n % 3600 * 1000000, n % 3600 * 1000000 + k.length_us, timestamptz '2026-02-01' + n * interval '1 second',
       jsonb_build_object('pipeline_hash', 'a', 'backend_version', 'samples_v3') || CASE k.kind
           WHEN 'audio_semantic_timeline' THEN jsonb_build_object('model_used', 'm', 'cache_key', 'k' || n, 'duration_ms', 60000,
               'backend_version', 'signal_v5')
           WHEN 'audio_hit' THEN jsonb_build_object('score', round(random()::numeric, 4), 'event', jsonb_build_object(
               'peak_db', round((-40 * random())::numeric, 2), 'energy', round((0.00001 + random() * 0.1)::numeric, 6),
               'duration_ms', k.length_us / 1000, 'brightness_hz', round((100 * exp(ln(100) * random()))::numeric, 1),
               'role', (ARRAY ['kick', 'snare', 'hat', 'tom', 'clap', 'other'])[1 + n / 100 % 6]))
           WHEN 'audio_loop' THEN jsonb_build_object('event', jsonb_build_object(
               'bpm', round((60 + random() * 120)::numeric, 2), 'loop_bars', (ARRAY [1, 2, 4])[1 + n / 100 % 3],
               'key', (ARRAY ['C major', 'A minor'])[1 + n / 100 % 2]))
           WHEN 'audio_phrase' THEN jsonb_build_object('event', jsonb_build_object(
               'transcript', 'word' || n % 5000 || ' word' || n % 70 || ' and more'))
           ELSE '{}' END
FROM generate_series(:first::bigint, :last::bigint) n
CROSS JOIN LATERAL (
    SELECT CASE WHEN n % 100 < 7 THEN 'audio_hit' WHEN n % 100 = 7 THEN 'audio_loop' WHEN n % 100 < 10 THEN 'audio_phrase'
           WHEN n % 100 = 10 THEN 'audio_semantic_timeline' WHEN n % 100 < 60 THEN 'audio_sample_norm' ELSE 'audio_resampled' END
           AS kind, (20000 + random() ^ 2 * 4000000)::bigint AS length_us
) k;

-- Of one recording in ten, each artifact is made of the one before.
INSERT INTO artifact_upstreams (tenant_id, env, artifact_id, position, upstream_id)
SELECT 't1', 'dev', 'artifact_' || lpad(n::text, 10, '0'), 0, 'artifact_' || lpad((n - :assets)::text, 10, '0')
FROM generate_series(:first::bigint, :last::bigint) n
WHERE n >= :assets AND n % :assets % 10 = 0;
