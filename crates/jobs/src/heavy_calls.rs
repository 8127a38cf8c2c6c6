/// A call that can be a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeavyCall {
    /// Its path; the method is POST.
    pub path: &'static str,
    /// Its kind.
    pub kind: &'static str,
}

/// The calls that can be jobs.
pub const HEAVY_CALLS: &[HeavyCall] = &[
    HeavyCall { path: "/audio/semantic-timeline/analyze", kind: "analyze" },
    HeavyCall { path: "/audio/field-to-samples", kind: "field_to_samples" },
    HeavyCall { path: "/audio/hits/detect", kind: "detect_hits" },
    HeavyCall { path: "/audio/loops/detect", kind: "detect_loops" },
    HeavyCall { path: "/audio/voice-phrases/detect", kind: "detect_phrases" },
    HeavyCall { path: "/audio/to-video-origin", kind: "to_video_origin" },
    HeavyCall { path: "/origin-snippets/batch", kind: "origin_snippets" },
    HeavyCall { path: "/video/render", kind: "render" },
];

/// The heavy call of a path.
pub(crate) fn find(path: &str) -> Option<&'static HeavyCall> {
    HEAVY_CALLS.iter().find(|call| call.path == path)
}
