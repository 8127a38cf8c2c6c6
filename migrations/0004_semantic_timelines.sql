-- Timelines are artifacts, found by the asset they belong to, newest first. Those made from an artifact
-- of it name it in their meta; a clip that plays that artifact gets one of them.
CREATE INDEX artifacts_semantic_timelines ON artifacts (tenant_id, env, parent_asset_id, created_at DESC, id DESC)
    WHERE kind = 'audio_semantic_timeline';
