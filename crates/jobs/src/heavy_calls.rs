/// A call that can run as a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeavyCall {
    /// Path of the call, with `{name}` for a segment that may be any; the method is POST.
    pub path: &'static str,
    /// Kind of its jobs.
    pub kind: &'static str,
    /// The lane whose workers run it.
    pub lane: Lane,
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
}

impl Lane {
    /// All lanes, in a fixed order.
    pub const ALL: [Self; 3] = [Self::Analysis, Self::Render, Self::ShotLists];

    /// Name of the lane in the database.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Render => "render",
            Self::ShotLists => "shot_lists",
        }
    }
}

/// The calls that can run as jobs.
pub const HEAVY_CALLS: &[HeavyCall] = &[
    HeavyCall { path: "/audio/semantic-timeline/analyze", kind: "analyze", lane: Lane::Analysis },
    HeavyCall { path: "/audio/field-to-samples", kind: "field_to_samples", lane: Lane::Analysis },
    HeavyCall { path: "/audio/hits/detect", kind: "detect_hits", lane: Lane::Analysis },
    HeavyCall { path: "/audio/loops/detect", kind: "detect_loops", lane: Lane::Analysis },
    HeavyCall { path: "/audio/voice-phrases/detect", kind: "detect_phrases", lane: Lane::Analysis },
    HeavyCall { path: "/audio/patterns/{pattern_id}/render", kind: "render_pattern", lane: Lane::Analysis },
    HeavyCall { path: "/audio/to-video-origin", kind: "to_video_origin", lane: Lane::ShotLists },
    HeavyCall { path: "/edits/cut-to-music", kind: "cut_to_music", lane: Lane::ShotLists },
    HeavyCall { path: "/edits/supercut", kind: "supercut", lane: Lane::ShotLists },
    HeavyCall { path: "/origin-snippets/batch", kind: "origin_snippets", lane: Lane::Render },
    HeavyCall { path: "/video/render", kind: "render", lane: Lane::Render },
];

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

/// The lane of a kind; `None` for a kind of another version.
pub(crate) fn lane_of(kind: &str) -> Option<Lane> {
    HEAVY_CALLS.iter().find(|call| call.kind == kind).map(|call| call.lane)
}

/// The kinds that run in a lane.
pub(crate) fn kinds_of(lane: Lane) -> Vec<String> {
    HEAVY_CALLS.iter().filter(|call| call.lane == lane).map(|call| call.kind.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_by_their_paths() {
        let kind = |path| find(path).map(|call| call.kind);
        assert_eq!(kind("/video/render"), Some("render"));
        assert_eq!(kind("/audio/patterns/pattern_1/render"), Some("render_pattern"));
        for path in
            ["/audio/patterns/render", "/audio/patterns/a/b/render", "/video/render/", "/audio/patterns/a"]
        {
            assert_eq!(kind(path), None, "{path}");
        }
    }
}
