//! Classifies a failed run of ffmpeg by its standard error: caused by the input or by this server.

/// Messages that attribute a failure to the input: those of ffmpeg 5.1, then those of newer versions.
const INPUT: [&str; 13] = [
    "Invalid data found when processing input",
    "moov atom not found",
    "Error while decoding stream",
    "Error while opening decoder",
    "Cannot determine format of input stream",
    "Could not find codec parameters",
    "matches no streams",
    "not found for input stream",
    "Error submitting packet to decoder",
    "Error submitting a packet to the decoder",
    "Decode error rate",
    "Decoding error",
    "Decoding requested, but no decoder found",
];
/// Messages that attribute a failure to this server, regardless of any other messages.
const SERVER: [&str; 11] = [
    "No space left on device",
    "Cannot allocate memory",
    "No such filter",
    "Unknown encoder",
    "Unknown decoder",
    "Unrecognized option",
    "Option not found",
    "Permission denied",
    "Input/output error",
    "Too many open files",
    "Error while opening encoder",
];

/// Whether the input caused the failure, judged by the end of ffmpeg's standard error.
pub(crate) fn is_caused_by_input(errors: &str) -> bool {
    let has = |messages: &[&str]| messages.iter().any(|message| errors.contains(message));
    !has(&SERVER) && (has(&INPUT) || is_over_pixel_limit(errors))
}

/// Whether a decoder rejected frames for their size (`-max_pixels`).
pub(crate) fn is_over_pixel_limit(errors: &str) -> bool {
    errors.contains("exceeds specified max pixel count")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_damaged_files_are_caused_by_the_input() {
        for errors in [
            "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x56] moov atom not found\n/proc/1/fd/9: Invalid data found when processing \
             input",
            "[aac @ 0x55] channel element 3.4 is not allocated\nError while decoding stream #0:1: Not yet \
             implemented in FFmpeg, patches welcome\nConversion failed!",
            "Cannot determine format of input stream 0:0 after EOF\nError marking filters as finished",
            "Stream specifier ':0' in filtergraph description [0:0]scale[v] matches no streams.",
            "Decoder (codec none) not found for input stream #0:0",
            "Error while opening decoder for input stream #0:0 : Invalid argument",
            "[h264 @ 0x55] [IMGUTILS @ 0x7f] Picture size 16000x16000 exceeds specified max pixel count 35389440, \
             see the documentation if you wish to increase it",
            "[aist#0:1/aac @ 0x56] [dec:aac @ 0x56] Decode error rate 1 exceeds maximum 0.666667",
            "[vist#0:0/none @ 0x55] Decoding requested, but no decoder found for: none",
        ] {
            assert!(is_caused_by_input(errors), "{errors}");
        }
    }

    #[test]
    fn other_failures_are_caused_by_the_server() {
        for errors in [
            "",
            "Conversion failed!",
            "[AVFilterGraph @ 0x55] No such filter: 'tonemap'\nError initializing complex filters.\nInvalid argument",
            "Unknown encoder 'libx264'",
            "Error while decoding stream #0:0: Cannot allocate memory",
            "Error while decoding stream #0:0: Invalid data found when processing input\n\
             av_interleaved_write_frame(): No space left on device",
            "/scratch/out: Permission denied",
            "Error reinitializing filters!",
        ] {
            assert!(!is_caused_by_input(errors), "{errors}");
        }
    }
}
