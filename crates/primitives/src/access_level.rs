use std::str::FromStr;

/// What a caller may do: each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessLevel {
    /// Only GET and HEAD, and calls of POST that write nothing.
    Read,
    /// All calls except those that read files of the machine.
    Write,
    /// All calls. The level of unauthenticated callers (`--auth none`), whose headers are trusted.
    #[default]
    Admin,
}

impl AccessLevel {
    /// Name of the level in API keys and tokens: `read`, `write` or `admin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for AccessLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "admin" => Ok(Self::Admin),
            other => Err(format!("unknown scope `{other}`: expected read, write or admin")),
        }
    }
}
