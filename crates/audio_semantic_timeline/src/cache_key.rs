use http_kit::RequestContext;
use primitives::Id;

use crate::EffectiveParams;

/// The cache key, part of the wire format (`docs/engines/media_program/PHASE_A02_audio_semantic_upgrade.md`):
/// `tenant_id|env|asset_id|artifact_id|include_beats|include_speech_music|min_silence_ms|loudness_window_ms|backend_version|user_id_or_anonymous`,
/// with Python's spelling of booleans and `None`. Ids cannot contain `|`, so keys cannot collide.
#[must_use]
pub fn cache_key(
    context: &RequestContext,
    asset_id: &Id,
    artifact_id: Option<&Id>,
    params: &EffectiveParams,
    backend_version: &str,
) -> String {
    [
        context.scope.tenant_id.as_str(),
        context.scope.env.as_str(),
        asset_id.as_str(),
        artifact_id.map_or("None", Id::as_str),
        python_bool(params.include_beats),
        python_bool(params.include_speech_music),
        &params.min_silence_ms.to_string(),
        &params.loudness_window_ms.to_string(),
        backend_version,
        context.user_or_anonymous(),
    ]
    .join("|")
}

const fn python_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::Scope;

    fn context(user: Option<&str>) -> RequestContext {
        RequestContext {
            scope: Scope { tenant_id: "t1".parse().unwrap(), env: "dev".parse().unwrap() },
            user_id: user.map(|user| user.parse().unwrap()),
            request_id: "r".to_owned(),
        }
    }

    #[test]
    fn cache_key_has_the_documented_format() {
        let version = "whisper_aubio_v1+tiny.en-1a2b3c4d+s42";
        let asset = "a123".parse().unwrap();
        assert_eq!(
            cache_key(&context(Some("u1")), &asset, None, &EffectiveParams::default(), version),
            "t1|dev|a123|None|True|True|300|1000|whisper_aubio_v1+tiny.en-1a2b3c4d+s42|u1"
        );
        let artifact = "art1".parse().unwrap();
        let params = EffectiveParams { include_beats: false, ..EffectiveParams::default() };
        assert_eq!(
            cache_key(&context(None), &asset, Some(&artifact), &params, "signal_v1"),
            "t1|dev|a123|art1|False|True|300|1000|signal_v1|anonymous"
        );
    }
}
