//! The matches as a table or as JSON.

use std::io::Write;
use std::path::Path;

use audio_fingerprint::Match;
use audio_signal::rounded;
use media_time::{MediaTime, Window};
use serde::Serialize;

/// The result of a search.
pub(super) struct Report<'a> {
    /// The recording, as given.
    pub(super) file: String,
    /// Number of files that were searched.
    pub(super) searched: usize,
    /// Number of files that were not.
    pub(super) skipped: usize,
    pub(super) matches: Vec<FileMatch<'a>>,
}

/// A match in a file.
pub(super) struct FileMatch<'a> {
    pub(super) file: &'a Path,
    pub(super) found: Match,
    /// Level relative to the source; `None` if it cannot be measured.
    pub(super) gain_db: Option<f64>,
}

/// A report as JSON, with the names of the service's `POST /audio/identify`.
#[derive(Serialize)]
struct JsonReport<'a> {
    file: &'a str,
    searched: usize,
    skipped: usize,
    matches: Vec<JsonMatch>,
}

#[derive(Serialize)]
struct JsonMatch {
    file: String,
    source_start_ms: MediaTime,
    source_end_ms: MediaTime,
    query_start_ms: MediaTime,
    query_end_ms: MediaTime,
    speed: f64,
    gain_db: Option<f64>,
    score: u32,
    confidence: f64,
}

impl Report<'_> {
    /// Prints to standard output.
    pub(super) fn print(&self, as_json: bool) -> anyhow::Result<()> {
        let text = if as_json { self.json()? } else { self.table() };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    fn json(&self) -> serde_json::Result<String> {
        let matches = self.matches.iter().map(|one| JsonMatch {
            file: one.file.display().to_string(),
            source_start_ms: one.found.source.start(),
            source_end_ms: one.found.source.end(),
            query_start_ms: one.found.query.start(),
            query_end_ms: one.found.query.end(),
            speed: rounded(one.found.speed, 6),
            gain_db: one.gain_db.map(|gain| level(gain, 2)),
            score: one.found.score,
            confidence: one.found.confidence,
        });
        let Self { file, searched, skipped, .. } = self;
        let (searched, skipped) = (*searched, *skipped);
        let report = JsonReport { file, searched, skipped, matches: matches.collect() };
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    }

    fn table(&self) -> String {
        if self.matches.is_empty() {
            return format!("no match in {} files\n", self.searched);
        }
        let row = |cells: [&str; 6]| {
            let [query, source, speed, gain, confidence, file] = cells;
            format!("{query:<26}{source:<26}{speed:>8}{gain:>9}{confidence:>12}  {file}\n")
        };
        let mut text = row(["in the recording", "in the file", "speed", "gain dB", "confidence", "file"]);
        for FileMatch { file, found, gain_db } in &self.matches {
            let (speed, confidence) = (format!("{:.4}", found.speed), format!("{:.6}", found.confidence));
            let gain = gain_db.map_or_else(|| "-".to_owned(), |gain| format!("{:+.1}", level(gain, 1)));
            let file = file.display().to_string();
            let (query, source) = (times(found.query), times(found.source));
            text += &row([&query, &source, &speed, &gain, &confidence, &file]);
        }
        text
    }
}

/// Rounds a level to decimals; −0 is 0.
fn level(decibels: f64, decimals: i32) -> f64 {
    rounded(decibels, decimals) + 0.0
}

fn times(window: Window<MediaTime>) -> String {
    format!("{}-{}", window.start(), window.end())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn report(gain_db: Option<f64>) -> Report<'static> {
        let window = |ms| Window::starting_at(MediaTime::from_millis(ms), MediaTime::from_micros(2_000_500));
        let found = Match {
            source_id: 0,
            query: window(500),
            source: window(3_723_004),
            speed: 1.0,
            pitch: 1.0,
            score: 40,
            expected_by_chance: 1e-9,
            confidence: 0.999_999_999,
        };
        let found = FileMatch { file: Path::new("rushes/a.wav"), found, gain_db };
        Report { file: "query.wav".to_owned(), searched: 3, skipped: 1, matches: vec![found] }
    }

    #[test]
    fn table_has_a_row_for_each_match() {
        let text = report(Some(-6.02)).table();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0].split_whitespace().last(), Some("file"));
        let cells: Vec<&str> = rows[1].split_whitespace().collect();
        let expected =
            ["0:00.500-0:02.501", "1:02:03.004-1:02:05.005", "1.0000", "-6.0", "1.000000", "rushes/a.wav"];
        assert_eq!((rows.len(), cells), (2, expected.to_vec()));
        assert!(report(None).table().contains(" - ") && report(Some(-0.02)).table().contains(" +0.0 "));
        assert_eq!(Report { matches: Vec::new(), ..report(None) }.table(), "no match in 3 files\n");
    }

    #[test]
    fn json_has_the_names_of_the_service() {
        let json: Value = serde_json::from_str(&report(None).json().unwrap()).unwrap();
        let expected = json!({
            "file": "query.wav", "searched": 3, "skipped": 1,
            "matches": [{
                "file": "rushes/a.wav", "source_start_ms": 3_723_004, "source_end_ms": 3_725_004.5,
                "query_start_ms": 500, "query_end_ms": 2_500.5, "speed": 1.0, "gain_db": null, "score": 40,
                "confidence": 0.999_999_999,
            }],
        });
        assert_eq!(json, expected);
    }
}
