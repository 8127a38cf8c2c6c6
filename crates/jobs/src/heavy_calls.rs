/// A call that can run as a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeavyCall {
    /// Path of the call, with `{name}` for a segment that may be any; the method is POST.
    pub path: &'static str,
    /// Kind of its jobs.
    pub kind: &'static str,
    /// The lane whose workers run it.
    pub lane: Lane,
    /// Version of the form of its request, from 0. Raise it when a worker of the version before would read a request
    /// of the new form wrongly: such workers then leave its jobs to others.
    pub payload_version: i32,
}

impl HeavyCall {
    const fn new(path: &'static str, kind: &'static str, lane: Lane) -> Self {
        Self { path, kind, lane, payload_version: 0 }
    }

    /// Names of the payloads that this version reads: of its own form and of all earlier ones.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = String> {
        let kind = self.kind;
        (0..=self.payload_version).map(move |version| payload_name(kind, version))
    }
}

/// Name of a payload: kind and version. Entries of the queue carry it as a flag, and workers take only what they read.
/// The statements of [`crate::store`] build the same name.
pub(crate) fn payload_name(kind: &str, version: i32) -> String {
    format!("{kind}/{version}")
}

/// Group of kinds of work with workers of its own, so that none waits behind another group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Decoding and measuring audio.
    Analysis,
    /// Rendering video with ffmpeg.
    Render,
    /// Making shot lists, of audio sequences and of edits.
    ShotLists,
    /// Fetching files from other servers, which may be slow.
    Fetches,
}

impl Lane {
    /// All lanes, in a fixed order.
    pub const ALL: [Self; 4] = [Self::Analysis, Self::Render, Self::ShotLists, Self::Fetches];

    /// Name of the lane in the database.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Render => "render",
            Self::ShotLists => "shot_lists",
            Self::Fetches => "fetches",
        }
    }

    /// The lane with a name of the database; `None` for a lane of another version.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == name)
    }
}

/// The calls that can run as jobs.
pub const HEAVY_CALLS: &[HeavyCall] = &[
    HeavyCall::new("/audio/semantic-timeline/analyze", "analyze", Lane::Analysis),
    HeavyCall::new("/audio/field-to-samples", "field_to_samples", Lane::Analysis),
    HeavyCall::new("/audio/hits/detect", "detect_hits", Lane::Analysis),
    HeavyCall::new("/audio/loops/detect", "detect_loops", Lane::Analysis),
    HeavyCall::new("/audio/voice-phrases/detect", "detect_phrases", Lane::Analysis),
    // Of queries of more than 28 s, and of shorter ones whose matches require long decoding.
    HeavyCall::new("/audio/identify", "identify", Lane::Analysis),
    HeavyCall::new("/audio/align", "align", Lane::Analysis),
    HeavyCall::new("/audio/conform", "conform", Lane::Analysis),
    HeavyCall::new("/audio/patterns/{pattern_id}/render", "render_pattern", Lane::Analysis),
    HeavyCall::new("/audio/to-video-origin", "to_video_origin", Lane::ShotLists),
    HeavyCall::new("/edits/cut-to-music", "cut_to_music", Lane::ShotLists),
    HeavyCall::new("/edits/supercut", "supercut", Lane::ShotLists),
    HeavyCall::new("/origin-snippets/batch", "origin_snippets", Lane::Render),
    HeavyCall::new("/video/render", "render", Lane::Render),
    // Of files elsewhere; other registrations are answered where they are received.
    HeavyCall::new("/media-v2/assets", "fetch_source", Lane::Fetches),
];

/// Checks the name of a kind of jobs.
///
/// # Errors
/// An unknown kind; the text names the known ones.
pub(crate) fn check_kind(kind: &str) -> Result<(), String> {
    if HEAVY_CALLS.iter().any(|call| call.kind == kind) {
        return Ok(());
    }
    let known: Vec<&str> = HEAVY_CALLS.iter().map(|call| call.kind).collect();
    Err(format!("unknown kind of job; use one of {}", known.join(", ")))
}

/// The heavy call with `path`.
pub(crate) fn find(path: &str) -> Option<&'static HeavyCall> {
    HEAVY_CALLS.iter().find(|call| matches(call.path, path))
}

fn matches(template: &str, path: &str) -> bool {
    let is_any = |segment: &str| segment.starts_with('{');
    let (mut expected, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) if expected == found || is_any(expected) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kind_is_refused_with_the_known_ones() {
        assert!(HEAVY_CALLS.iter().all(|call| check_kind(call.kind).is_ok()));
        let refused = check_kind("bogus").unwrap_err();
        assert!(refused.contains("analyze, ") && refused.ends_with("fetch_source"), "{refused}");
    }

    #[test]
    fn calls_are_found_by_their_paths() {
        let kind = |path| find(path).map(|call| call.kind);
        assert_eq!(kind("/video/render"), Some("render"));
        assert_eq!(kind("/media-v2/assets"), Some("fetch_source"));
        assert_eq!(kind("/audio/patterns/pattern_1/render"), Some("render_pattern"));
        for path in
            ["/audio/patterns/render", "/audio/patterns/a/b/render", "/video/render/", "/audio/patterns/a"]
        {
            assert_eq!(kind(path), None, "{path}");
        }
    }

    #[test]
    fn payloads_of_all_versions_up_to_the_own_are_read() {
        let call = HeavyCall { payload_version: 2, ..HEAVY_CALLS[0] };
        assert_eq!(call.payloads().collect::<Vec<_>>(), ["analyze/0", "analyze/1", "analyze/2"]);
    }
}
