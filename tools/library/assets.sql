-- Recordings :first to :last of two owners, of which the second has a tenth. Half of them have the tag `common`, one in a thousand
-- `rare`; one in a hundred is an image.
INSERT INTO media_assets (tenant_id, env, id, kind, source_uri, size_bytes, content_sha256, tags, source_ref, created_at, meta)
SELECT owner.tenant, 'dev', 'asset_' || lpad(n::text, 8, '0'),
       CASE WHEN n % 100 = 0 THEN 'image' WHEN n % 3 = 0 THEN 'video' ELSE 'audio' END,
       'blob://sha256/' || hash.hex, 1000000 + n, hash.hex,
       CASE WHEN n % 1000 = 0 THEN ARRAY ['rare', 'common'] WHEN n % 2 = 0 THEN ARRAY ['common'] ELSE '{}' END,
       'take ' || n / 10, timestamptz '2026-01-01' + n * interval '1 second', '{}'
FROM generate_series(:first::bigint, :last::bigint) n
CROSS JOIN LATERAL (VALUES ('t1'), ('t2')) AS owner (tenant)
CROSS JOIN LATERAL (SELECT encode(sha256(convert_to(owner.tenant || n, 'UTF8')), 'hex') AS hex) hash
WHERE owner.tenant = 't1' OR n % 10 = 0;
