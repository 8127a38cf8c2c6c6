-- Which version of the prober measured an asset, and which decoder its audio needs.
--
-- Version 2 of the prober decodes through ffmpeg what symphonia does not decode, and repairs what symphonia decodes
-- wrongly. Rows of version 1 may hold a wrong kind, duration, frame rate or codec; each is probed again by the first
-- call about its asset, or by `harkback reprobe`. The columns are added with a default or as NULL: the previous version
-- of the program runs beside this one, neither reads nor writes them, and its rows count as probed by version 1.

ALTER TABLE media_assets
    -- 0: probed while ffmpeg was missing, which the file needs; to be probed again. 1: every version before this column.
    ADD COLUMN prober_version integer NOT NULL DEFAULT 1,
    -- NULL: decoded in this process, with the same samples as by earlier versions, or not known yet. 'ffmpeg': by ffmpeg.
    -- 'decode2': in this process, with other samples than version 1 gave.
    ADD COLUMN decoder text,
    ADD CONSTRAINT media_assets_prober_version CHECK (prober_version >= 0),
    ADD CONSTRAINT media_assets_decoder CHECK (decoder IN ('ffmpeg', 'decode2'));

-- `harkback verify` looks only at assets whose decoder changed, which are few.
CREATE INDEX media_assets_decoder_changed ON media_assets (tenant_id, env, id) WHERE decoder IS NOT NULL;

-- Was a result of this service made with a decoder that reads the asset wrongly? A result of the right decoder names it
-- in its version (`…+ffmpeg-5.1`, `…+decode2`). Only versions of this service are judged, not the stub's, which measures
-- nothing, nor those of results that callers registered, who decoded for themselves. A function, because several queries
-- of several crates must agree on the rule.
CREATE FUNCTION decoded_wrongly(decoder text, backend_version text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT coalesce(
        backend_version ~ '^(signal|whisper_aubio|samples)_v[0-9]'
        AND CASE decoder
            WHEN 'ffmpeg' THEN strpos(backend_version, '+ffmpeg-') = 0
            WHEN 'decode2' THEN strpos(backend_version, '+decode2') = 0
        END,
        false
    )
$$;
