//! Parses the text of a search. Pure functions.

use audio_semantic_timeline::spoken::tokens;

use crate::Error;

/// Maximum length of a search, in characters.
const MAX_LENGTH: usize = 500;
/// Maximum number of tokens in a search.
const MAX_TOKENS: usize = 32;

/// A word, phrase or prefix that must be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Not empty; consecutive if there are several.
    pub(crate) tokens: Vec<String>,
    /// Whether other forms of the word match; only of a single token that is no prefix.
    pub(crate) is_stemmed: bool,
    /// Whether the last token is the beginning of a word.
    pub(crate) is_prefix: bool,
}

/// The terms of a search, all of which must be said in a window; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query(pub(crate) Vec<Term>);

impl Query {
    /// Parses words, `"phrases"` and `prefixes*`. A quotation mark without a counterpart quotes the rest.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`] for a text that is too long, or has no letters or digits.
    pub(crate) fn parse(q: &str) -> Result<Self, Error> {
        check_length(q)?;
        let mut terms = Vec::new();
        for (index, part) in q.split(['"', '“', '”', '„']).enumerate() {
            if index % 2 == 1 {
                terms.extend(Term::new(part, false));
            } else {
                terms.extend(part.split_whitespace().filter_map(|word| Term::new(word, true)));
            }
        }
        Self::of(terms)
    }

    /// The whole text as one phrase.
    ///
    /// # Errors
    /// As [`Query::parse`].
    pub(crate) fn phrase(q: &str) -> Result<Self, Error> {
        check_length(q)?;
        Self::of(Term::new(q, false).into_iter().collect())
    }

    fn of(terms: Vec<Term>) -> Result<Self, Error> {
        let count: usize = terms.iter().map(|term| term.tokens.len()).sum();
        match count {
            0 => Err(invalid("expected letters or digits")),
            1..=MAX_TOKENS => Ok(Self(terms)),
            _ => Err(invalid("expected at most 32 words")),
        }
    }

    /// The tokens of all terms, in order.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.0.iter().flat_map(|term| term.tokens.clone()).collect()
    }
}

impl Term {
    /// `None` for a text without letters and digits. `is_word` is a text outside of quotation marks.
    fn new(text: &str, is_word: bool) -> Option<Self> {
        let is_prefix = text.trim_end().ends_with('*');
        let tokens = tokens(text);
        let is_stemmed = is_word && !is_prefix && tokens.len() == 1;
        (!tokens.is_empty()).then_some(Self { tokens, is_stemmed, is_prefix })
    }
}

fn check_length(q: &str) -> Result<(), Error> {
    let length = q.chars().take(MAX_LENGTH + 1).count();
    if length <= MAX_LENGTH { Ok(()) } else { Err(invalid("expected at most 500 characters")) }
}

const fn invalid(detail: &'static str) -> Error {
    Error::InvalidQuery { parameter: "q", detail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The terms: tokens joined by `+`, then `~` if stemmed, `*` for a prefix.
    fn terms(q: &str) -> Vec<String> {
        let terms = Query::parse(q).map_or_else(|_| Vec::new(), |query| query.0);
        let text = |term: Term| {
            let marks = [(term.is_stemmed, "~"), (term.is_prefix, "*")];
            let marks: String = marks.iter().filter(|(is_set, _)| *is_set).map(|(_, mark)| *mark).collect();
            term.tokens.join("+") + &marks
        };
        terms.into_iter().map(text).collect()
    }

    #[test]
    fn search_has_words_phrases_and_prefixes() {
        assert_eq!(terms("Hark back"), ["hark~", "back~"]);
        assert_eq!(terms("\"hark back\" time"), ["hark+back", "time~"]);
        assert_eq!(terms("har* don't"), ["har*", "don+t"]);
        assert_eq!(terms("\"hark ba*\""), ["hark+ba*"]);
        assert_eq!(terms("say \"hark"), ["say~", "hark"]);
        assert_eq!(terms("你好"), ["你+好"]);
        assert_eq!(terms("\"\" … *"), [""; 0]);
        assert!(Query::parse(&"a ".repeat(33)).is_err());
        assert!(Query::parse(&"a".repeat(501)).is_err());
    }

    #[test]
    fn phrase_ignores_quotation_marks() {
        let query = Query::phrase("Hark, \"back\"!").unwrap();
        assert_eq!(query.tokens(), ["hark", "back"]);
        assert_eq!(query.0.len(), 1);
        assert!(!query.0[0].is_stemmed);
    }

    proptest! {
        #[test]
        fn parser_keeps_all_tokens(q in "[a-zé\"* ]{0,60}") {
            if let Ok(query) = Query::parse(&q) {
                prop_assert_eq!(query.tokens(), tokens(&q));
            }
        }
    }
}
