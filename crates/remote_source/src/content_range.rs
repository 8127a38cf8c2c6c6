/// The value of `Content-Range`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// Positions of the first and the last byte; `None` for `*`.
    pub(crate) bytes: Option<(u64, u64)>,
    /// Size of the whole; `None` for `*`.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (bytes, total) = value.strip_prefix("bytes ")?.split_once('/')?;
        let bytes = match bytes {
            "*" => None,
            bytes => {
                let (first, last) = bytes.split_once('-')?;
                let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
                Some((first, last)).filter(|(first, last)| first <= last)
            }
        };
        let total = match total {
            "*" => None,
            total => Some(total.parse::<u64>().ok()?),
        };
        Some(Self { bytes, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_parsed() {
        let range = |bytes, total| Some(ContentRange { bytes, total });
        for (value, expected) in [
            ("bytes 0-9/10", range(Some((0, 9)), Some(10))),
            ("bytes 5-9/*", range(Some((5, 9)), None)),
            ("bytes */10", range(None, Some(10))),
            ("bytes 9-5/10", range(None, Some(10))),
            ("bytes 5-/10", None),
            ("bytes -5-9/10", None),
            ("bytes 0-99999999999999999999/10", None),
            ("items 0-9/10", None),
            ("", None),
        ] {
            assert_eq!(ContentRange::parse(value), expected, "{value}");
        }
    }
}
