//! Measures identification, alignment and conforming on a library that `tools/identify/library.py` has made.
//!
//!     identify LIBRARY [hours=10] [places=40] [seed=20] [TABLE…]
//!
//! Tables: `recall` (all conditions; `changed=12` of the places at other speeds and pitches) or `brief` (three of them),
//! `unknown` (false matches; `unknown=1000` queries), `loops`, `align` (`pairs=20`, and ten times as many unrelated ones),
//! `conform` (`edits=50`; `strangers=0.1` of the shots are not indexed; `cuts=1` prints them all), and `calibrate` for the
//! null model.
//! All but `calibrate` are the default. Every fourth recording is not indexed: noises and false matches are of those.
//! With `write=DIRECTORY`, the queries and pairs are also written as WAVE files, for `tools/identify/peers.py`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a measuring tool: its output is its result"
)]

mod audio;
mod calibrate;
mod conforming;
mod cuts;
mod library;
mod loops;
mod recall;
mod recorders;
mod score;
mod unknown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use library::Library;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (settings, names): (Vec<&String>, Vec<&String>) =
        arguments[1..].iter().partition(|argument| argument.contains('='));
    let settings: BTreeMap<&str, &str> =
        settings.iter().filter_map(|setting| setting.split_once('=')).collect();
    let setting =
        |name: &str, default: f64| settings.get(name).map_or(default, |value| value.parse().unwrap());
    let count = |name: &str, default: u32| setting(name, f64::from(default)) as usize;
    let (places, seed) = (count("places", 40), count("seed", 20) as u64);
    let mut library = Library::load(Path::new(&arguments[0]), setting("hours", 10.0));
    library.written = settings.get("write").map(PathBuf::from);
    library.write_names();
    let is_asked = |name: &str| {
        let is_default = !["brief", "calibrate"].contains(&name);
        names.is_empty() && is_default || names.iter().any(|asked| *asked == name)
    };
    if is_asked("recall") {
        recall::tables(&mut library, places, seed, Some(count("changed", 12)));
    }
    if is_asked("brief") {
        recall::tables(&mut library, places, seed, None);
    }
    if is_asked("unknown") {
        unknown::table(&mut library, count("unknown", 1_000), seed);
    }
    if is_asked("align") {
        recorders::table(&mut library, count("pairs", 20), seed);
    }
    if is_asked("conform") {
        let (strangers, with_cuts) = (setting("strangers", 0.0), setting("cuts", 0.0) > 0.0);
        conforming::table(&mut library, count("edits", 50), strangers, with_cuts, seed);
    }
    // Last: its loops remain in the library.
    if is_asked("loops") {
        loops::table(&mut library, places, seed);
    }
    if is_asked("calibrate") {
        calibrate::table(&mut library);
    }
}
