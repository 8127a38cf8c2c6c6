-- Timelines are artifacts. A clip that plays an artifact asks for the timelines made from it;
-- those of an asset itself are found by its id, which media_v2 indexes.
CREATE INDEX artifacts_semantic_source ON artifacts (tenant_id, env, (meta ->> 'source_artifact_id'))
    WHERE kind = 'audio_semantic_timeline';
