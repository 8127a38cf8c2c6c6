//! The filters and decoders that ffmpeg was built with.

use std::collections::BTreeSet;

/// The names of ffmpeg's filters and decoders.
#[derive(Clone, Debug)]
pub(crate) struct Components(BTreeSet<String>);

impl Components {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Parses the output of `ffmpeg -filters` or `-decoders`: flags, a name and its description on each line.
    pub(crate) fn parse(listing: &str) -> impl Iterator<Item = String> {
        listing.lines().filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned)
    }
}

impl FromIterator<String> for Components {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_read_from_listings_of_old_and_new_versions() {
        let filters = "Filters:\n  T.. = Timeline support\n  | = Source or sink filter\n \
            .SC zscale            V->V       Apply resizing, colorspace and bit depth conversion.\n";
        let newer = " .S tonemap           V->V       Conversion to/from different dynamic ranges.\n";
        let decoders = "Decoders:\n ------\n V..... libvpx-vp9           libvpx VP9 (codec vp9)\n";
        let all = [filters, newer, decoders].into_iter().flat_map(Components::parse);
        let components: Components = all.collect();
        assert!(["zscale", "tonemap", "libvpx-vp9"].into_iter().all(|name| components.has(name)));
        assert!(!components.has("V->V") && !components.has("libvpx"));
    }
}
