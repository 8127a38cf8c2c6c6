use symphonia::core::audio::{Channels, Position, layouts};

/// The channels of an ffmpeg layout by its name, in ffmpeg's order, which is also the order of WAVE files; an unknown
/// layout yields a channel count without positions.
pub(super) fn channels(name: Option<&str>, count: usize) -> Channels {
    use Position as P;
    let front = P::FRONT_LEFT | P::FRONT_RIGHT;
    let centre = front | P::FRONT_CENTER;
    let rear = P::REAR_LEFT | P::REAR_RIGHT;
    let side = P::SIDE_LEFT | P::SIDE_RIGHT;
    let positions = match name {
        Some("mono") => return layouts::CHANNEL_LAYOUT_MONO,
        Some("stereo" | "downmix") => front,
        Some("2.1") => front | P::LFE1,
        Some("3.0") => centre,
        Some("3.0(back)") => front | P::REAR_CENTER,
        Some("3.1") => centre | P::LFE1,
        Some("4.0") => centre | P::REAR_CENTER,
        Some("4.1") => centre | P::LFE1 | P::REAR_CENTER,
        Some("quad") => front | rear,
        Some("quad(side)") => front | side,
        Some("5.0") => centre | rear,
        Some("5.0(side)") => centre | side,
        Some("5.1") => centre | P::LFE1 | rear,
        Some("5.1(side)") => centre | P::LFE1 | side,
        Some("6.0") => centre | P::REAR_CENTER | side,
        Some("6.1") => centre | P::LFE1 | P::REAR_CENTER | side,
        Some("7.0") => centre | rear | side,
        Some("7.1") => centre | P::LFE1 | rear | side,
        _ => return counted(count),
    };
    let channels = Channels::Positioned(positions);
    if channels.count() == count { channels } else { counted(count) }
}

fn counted(count: usize) -> Channels {
    Channels::Discrete(u16::try_from(count).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_counts_agree() {
        for (name, count) in [("mono", 1), ("stereo", 2), ("5.1(side)", 6), ("7.1", 8), ("6.1", 7)] {
            let found = channels(Some(name), count);
            assert_eq!(found.count(), count, "{name}");
            assert!(matches!(found, Channels::Positioned(_)), "{name}");
        }
        assert_eq!(channels(Some("5.1"), 2), Channels::Discrete(2));
        assert_eq!(channels(None, 3), Channels::Discrete(3));
    }
}
