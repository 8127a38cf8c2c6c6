//! Turns the terms of a search into queries of lexemes, and into a table by which matches are located. Pure functions.
//!
//! The index has a lexeme for each token of a window (`=hark`) and for each pair (`=hark back`); for the tokens after the
//! window, in which a phrase may end, `~back` and `~back then`. A match begins with `=`, in the window itself.

use super::{Query, Term};

/// The lexemes of a token, as in the index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lexemes {
    /// The token, folded.
    pub(crate) folded: String,
    /// Its stems in the languages of the owner's words, as `en:stem`.
    pub(crate) stems: Vec<String>,
    /// Fraction of all windows that have the token; `None` for all but the most frequent ones.
    pub(crate) frequency: Option<f32>,
}

/// Fraction of windows from which on a word is common.
const COMMON: f32 = 0.05;
/// Prefixes of at most this many characters are common.
const SHORT_PREFIX: usize = 2;

/// A search in the form that the database reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TermTable {
    /// The `tsquery` for the index: phrases by their pairs.
    pub(crate) pairs: String,
    /// The exact `tsquery`, which requires the pairs of phrases to be consecutive; `None` if no phrase has several pairs.
    pub(crate) exact: Option<String>,
    /// Whether all terms are common.
    pub(crate) is_common: bool,
    /// Lexemes of matches, each with the index of its term and of its token in the term.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    lexeme: String,
    /// Whether lexemes that begin with this one match too.
    is_prefix: bool,
    term: usize,
    token: usize,
}

/// The table of a search; `lexemes` are those of [`Query::tokens`].
pub(crate) fn term_table(query: &Query, lexemes: &[Lexemes]) -> TermTable {
    let mut table = TermTable::default();
    let (mut pairs, mut exact) = (Vec::new(), Vec::new());
    table.is_common = true;
    let mut rest = lexemes.iter();
    for (term_index, term) in query.0.iter().enumerate() {
        let of_term: Vec<&Lexemes> = rest.by_ref().take(term.tokens.len()).collect();
        let forms: Vec<Vec<Form>> = (0..of_term.len()).map(|index| forms(term, &of_term, index)).collect();
        table.is_common &= is_common(term, &of_term);
        pairs.push(pairs_of(term, &of_term));
        exact.push(joined(&forms, " <-> "));
        for (token, forms) in forms.into_iter().enumerate() {
            let entry = |form: Form| Entry {
                lexeme: form.lexeme,
                is_prefix: form.is_prefix,
                term: term_index,
                token,
            };
            table.entries.extend(forms.into_iter().map(entry));
        }
    }
    table.pairs = pairs.join(" & ");
    table.exact = query.0.iter().any(|term| term.tokens.len() > 2).then(|| exact.join(" & "));
    table
}

impl TermTable {
    /// The lexemes that match as a whole, or the prefixes.
    pub(crate) fn lexemes(&self, is_prefix: bool) -> Vec<String> {
        let entries = self.entries.iter().filter(|entry| entry.is_prefix == is_prefix);
        entries.map(|entry| entry.lexeme.clone()).collect()
    }

    /// Index of the term, and of the token in the term, of all that a lexeme of the index matches.
    pub(crate) fn places<'a>(&'a self, lexeme: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let matching = self.entries.iter().filter(move |entry| {
            entry.lexeme == lexeme || (entry.is_prefix && lexeme.starts_with(&entry.lexeme))
        });
        matching.map(|entry| (entry.term, entry.token))
    }
}

fn is_common(term: &Term, tokens: &[&Lexemes]) -> bool {
    match tokens {
        [token] if term.is_prefix => token.folded.chars().count() <= SHORT_PREFIX,
        [token] => token.frequency.is_some_and(|frequency| frequency >= COMMON),
        _ => false,
    }
}

/// A lexeme that matches, or a prefix of some.
#[derive(Clone, Debug)]
struct Form {
    lexeme: String,
    is_prefix: bool,
}

/// The lexemes of a token of a term: the word, also after the window unless it is the first; of a stemmed one, its stems.
fn forms(term: &Term, tokens: &[&Lexemes], index: usize) -> Vec<Form> {
    let Some(token) = tokens.get(index) else { return Vec::new() };
    let is_prefix = term.is_prefix && index + 1 == tokens.len();
    let marks: &[char] = if index == 0 { &['='] } else { &['=', '~'] };
    let words = marks.iter().map(|mark| Form { lexeme: format!("{mark}{}", token.folded), is_prefix });
    let stems = token.stems.iter().filter(|_| term.is_stemmed);
    words.chain(stems.map(|stem| Form { lexeme: stem.clone(), is_prefix: false })).collect()
}

/// The query of a term by its pairs of consecutive tokens; that of a single token is exact.
fn pairs_of(term: &Term, tokens: &[&Lexemes]) -> String {
    if tokens.len() < 2 {
        return joined(&[forms(term, tokens, 0)], "");
    }
    let last = tokens.len() - 2;
    let pair = |(index, pair): (usize, &[&Lexemes])| {
        let marks: &[char] = if index == 0 { &['='] } else { &['=', '~'] };
        let text = |mark: &char| {
            let words: Vec<&str> = pair.iter().map(|token| token.folded.as_str()).collect();
            format!("{mark}{}", words.join(" "))
        };
        let is_prefix = term.is_prefix && index == last;
        marks.iter().map(|mark| Form { lexeme: text(mark), is_prefix }).collect::<Vec<_>>()
    };
    let pairs: Vec<Vec<Form>> = tokens.windows(2).enumerate().map(pair).collect();
    joined(&pairs, " & ")
}

/// Alternatives in parentheses, joined by an operator of `tsquery`.
fn joined(parts: &[Vec<Form>], operator: &str) -> String {
    let alternatives = |forms: &Vec<Form>| {
        let forms: Vec<String> = forms.iter().map(quoted).collect();
        format!("({})", forms.join(" | "))
    };
    let parts: Vec<String> = parts.iter().map(alternatives).collect();
    format!("({})", parts.join(operator))
}

/// A lexeme in the syntax of `tsquery`.
fn quoted(form: &Form) -> String {
    let lexeme = form.lexeme.replace('\\', "\\\\").replace('\'', "''");
    format!("'{lexeme}'{}", if form.is_prefix { ":*" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexemes(folded: &str, stem: &str) -> Lexemes {
        Lexemes { folded: folded.to_owned(), stems: vec![stem.to_owned()], frequency: None }
    }

    #[test]
    fn words_have_stems_and_phrases_have_pairs() {
        let query = Query::parse("Running \"hark back then\" dru*").unwrap();
        let found = [
            lexemes("running", "en:run"),
            lexemes("hark", "en:hark"),
            lexemes("back", "en:back"),
            lexemes("then", "en:then"),
            lexemes("dru", "en:dru"),
        ];
        let table = term_table(&query, &found);
        assert_eq!(
            table.pairs,
            "(('=running' | 'en:run')) & (('=hark back') & ('=back then' | '~back then')) & (('=dru':*))"
        );
        assert_eq!(
            table.exact.as_deref().unwrap(),
            "(('=running' | 'en:run')) & (('=hark') <-> ('=back' | '~back') <-> ('=then' | '~then')) & (('=dru':*))"
        );
        assert_eq!(table.lexemes(false), ["=running", "en:run", "=hark", "=back", "~back", "=then", "~then"]);
        assert_eq!(table.lexemes(true), ["=dru"]);
        let places = |lexeme: &str| table.places(lexeme).collect::<Vec<_>>();
        assert_eq!(places("en:run"), [(0, 0)]);
        assert_eq!(places("~back"), [(1, 1)]);
        assert_eq!(places("=drum kit"), [(2, 0)]);
        assert!(places("en:hark").is_empty(), "phrases have no other forms");
    }

    #[test]
    fn search_is_common_if_all_terms_are() {
        let is_common = |q: &str, frequencies: &[Option<f32>]| {
            let query = Query::parse(q).unwrap();
            let of = |(folded, frequency): (String, &Option<f32>)| Lexemes {
                folded,
                stems: Vec::new(),
                frequency: *frequency,
            };
            let lexemes: Vec<Lexemes> = query.tokens().into_iter().zip(frequencies).map(of).collect();
            term_table(&query, &lexemes).is_common
        };
        assert!(is_common("the", &[Some(0.3)]));
        assert!(!is_common("the drum", &[Some(0.3), Some(0.01)]));
        assert!(!is_common("drum", &[None]));
        assert!(!is_common("\"the the\"", &[Some(0.3), Some(0.3)]));
        assert!(is_common("th*", &[None]) && !is_common("dru*", &[None]));
    }

    #[test]
    fn lexemes_are_quoted() {
        let form = |is_prefix| Form { lexeme: "a'b\\c".to_owned(), is_prefix };
        assert_eq!(quoted(&form(false)), "'a''b\\\\c'");
        assert_eq!(quoted(&form(true)), "'a''b\\\\c':*");
    }
}
