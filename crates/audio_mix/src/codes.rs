//! The error codes of mixes.

http_kit::error_codes! {
    Timelines {
        MIX_TOO_LONG = 422 "mix_too_long": "the pattern is longer than a render may be" => "fewer bars, or a faster tempo";
    }
}
