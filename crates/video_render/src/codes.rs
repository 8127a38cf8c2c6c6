//! The error codes of renders.

http_kit::error_codes! {
    Renders {
        UNKNOWN_RENDER_PROFILE = 422 "unknown_render_profile":
            "no profile of that name" => "use one of [these](rendering.md)";
        INVALID_WINDOW = 422 "invalid_window":
            "the window does not satisfy `0 ≤ start_ms < end_ms`" => "correct the window";
        WINDOW_OUTSIDE_SOURCE = 422 "window_outside_source":
            "the window ends after the source" => "use a shorter window";
        EMPTY_PROJECT = 422 "empty_project":
            "the project has no sequence" => "put clips on a track of one";
        UNSUPPORTED_CONTAINER = 422 "unsupported_container":
            "the renderer does not support the container" => "convert the file";
        UNSUPPORTED_CLIP = 422 "unsupported_clip":
            "a clip has a property that the renderer does not support" => "see `detail`";
        TOO_MANY_OVERLAPPING = 422 "too_many_overlapping":
            "over 64 shots or clips overlap at one instant" => "use fewer layers";
        FILM_TOO_LONG = 422 "film_too_long": "the film lasts over six hours" => "render it in parts";
        EMPTY_SHOT_LIST = 422 "empty_shot_list":
            "the shot list has no shots to render" => "make one with clips that have recordings";
        RENDER_TOO_LARGE = 422 "render_too_large":
            "the file would exceed `--max-render-bytes`" => "render a shorter window";
        RENDER_TIMEOUT = 504 "render_timeout":
            "the render took longer than `--render-timeout-s`, or made no progress"
            => "use a shorter window or a faster profile";
        RENDER_FAILED = 500 "render_failed": "ffmpeg failed" => "report it with the `request_id`";
        RENDERER_UNAVAILABLE = 503 "renderer_unavailable":
            "ffmpeg cannot be run, or lacks a filter that HDR or captions need, or a font"
            => "operator: install it; `detail` names it";
    }
}
