//! The error codes of exports.

http_kit::error_codes! {
    Timelines {
        EXPORT_TOO_LARGE = 422 "export_too_large":
            "a sequence or shot list has more than 100 000 clips, or 10 000 tracks" => "export it in parts";
    }
}
