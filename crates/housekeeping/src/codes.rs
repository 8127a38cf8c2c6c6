//! The error codes of removals.

http_kit::error_codes! {
    Media {
        ASSET_IN_USE = 409 "asset_in_use":
            "something that was made with the recording refers to it"
            => "see `usages`; remove these first, or send `cascade=true` to remove all of it";
        ARTIFACT_IN_USE = 409 "artifact_in_use":
            "something that was made with the artifact refers to it"
            => "see `usages`; remove these first, or send `cascade=true` to remove all of it";
    }
}
