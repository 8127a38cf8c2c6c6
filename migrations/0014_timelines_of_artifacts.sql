-- The timelines of a sound, whichever recording it is a part of: a clip may show it with another.
CREATE INDEX artifacts_timelines_of_artifact ON artifacts (tenant_id, env, (meta ->> 'source_artifact_id'))
    WHERE kind = 'audio_semantic_timeline';
