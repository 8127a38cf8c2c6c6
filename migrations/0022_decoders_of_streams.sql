-- An asset's decoder is that of its default audio stream. A result of another stream (`…+audio_stream=1…`) was decoded by
-- that stream's own decoder, which its version names: the asset's decoder says nothing about it, and it is never judged
-- by it. The function is replaced in place; the previous version of the program, which calls it too, gets the same
-- answers for all results of default streams.
CREATE OR REPLACE FUNCTION decoded_wrongly(decoder text, backend_version text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT coalesce(
        backend_version ~ '^(signal|whisper_aubio|samples)_v[0-9]'
        AND strpos(backend_version, '+audio_stream=') = 0
        AND CASE decoder
            WHEN 'ffmpeg' THEN strpos(backend_version, '+ffmpeg-') = 0
            WHEN 'decode2' THEN strpos(backend_version, '+decode2') = 0
        END,
        false
    )
$$;
