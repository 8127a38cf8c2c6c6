//! The words of the sources, by `docs/STYLE.md`.

use std::fs;
use std::path::{Path, PathBuf};

/// Idioms for each 1 000 lines of comments.
const MOST_PER_1000: f64 = 5.0;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The left column of the table of idioms.
fn idioms() -> Vec<String> {
    let style = fs::read_to_string(root().join("docs/STYLE.md")).unwrap();
    let (_, table) = style.split_once("| instead of | write |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    cells.flat_map(|cell| cell.split(',')).map(|idiom| idiom.trim().to_owned()).collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The text of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("//").map(|text| text.trim_start_matches(['/', '!']))
}

fn contains_words(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    let is_outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    text.match_indices(words).any(|(at, _)| {
        is_outside(text[..at].chars().next_back()) && is_outside(text[at + words.len()..].chars().next())
    })
}

#[test]
fn comments_have_few_idioms() {
    let (idioms, mut files) = (idioms(), Vec::new());
    assert!(idioms.len() > 20);
    for directory in ["crates", "tests"] {
        sources(&root().join(directory), &mut files);
    }
    let (mut lines, mut found) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, comment) in
            text.lines().enumerate().filter_map(|(number, line)| Some((number, comment(line)?)))
        {
            lines += 1;
            for idiom in idioms.iter().filter(|idiom| contains_words(comment, idiom)) {
                found.push(format!("{}:{}: {idiom}", file.display(), number + 1));
            }
        }
    }
    let per_1000 = found.len() as f64 * 1e3 / f64::from(lines);
    println!("{per_1000:.1} idioms for 1 000 lines of comments, {} in {lines}", found.len());
    assert!(per_1000 <= MOST_PER_1000, "{per_1000:.1} for 1 000 lines:\n{}", found.join("\n"));
}

/// The files and names of the last column of a table: pairs "`file`: `name`", separated by semicolons.
fn targets(row: &str) -> impl Iterator<Item = (&str, &str)> {
    let cell = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
    cell.split(';').filter_map(|pair| {
        let (file, name) = pair.trim().split_once("`: `")?;
        Some((file.strip_prefix('`')?, name.strip_suffix('`')?))
    })
}

#[test]
fn finding_things_names_existing_files_and_identifiers() {
    let guide = fs::read_to_string(root().join("docs/developing.md")).unwrap();
    let (_, section) = guide.split_once("\n## Finding things\n").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| where is"));
    let mut checked = 0;
    for row in rows {
        assert!(targets(row).next().is_some(), "no file in: {row}");
        for (file, name) in targets(row) {
            let text = fs::read_to_string(root().join(file)).unwrap_or_default();
            assert!(text.contains(name), "`{name}` is not in {file}: {row}");
            checked += 1;
        }
    }
    assert!(checked >= 10, "only {checked}");
}

#[test]
fn words_are_whole() {
    assert!(contains_words("It is told.", "told"));
    assert!(!contains_words("stolde untold", "told"));
    assert!(contains_words("Told, and told", "told"));
}
