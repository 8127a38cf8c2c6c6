//! Removes assets by their tag and age.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use http_kit::RequestContext;
use media_v2::MediaError;
use primitives::{Id, Scope};
use serde::{Deserialize, Serialize};

use crate::removal::Removal;
use crate::{Error, Housekeeping, store};

/// Number of assets that are looked up in one statement.
const BATCH: i64 = 1_000;
/// Longest tag, in bytes: that of assets.
const MAX_TAG: usize = 128;
/// Maximum of days: a hundred years.
const MAX_DAYS: u32 = 36_500;

/// For how many days assets with a tag are kept; as text `TAG=DAYS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RetentionRule {
    tag: String,
    days: u32,
}

/// Error for a text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a retention rule: expected TAG=DAYS, with 1 to 36500 days, such as `draft=30`")]
pub struct InvalidRule(String);

/// Numbers of a rule's application: what was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Removed assets.
    pub assets: u64,
    /// Removed artifacts.
    pub artifacts: u64,
    /// Assets that are older, and are kept because users made something with them.
    pub in_use: u64,
}

impl RetentionRule {
    /// The tag of the assets.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl FromStr for RetentionRule {
    type Err = InvalidRule;

    /// Parses `TAG=DAYS`; the tag may contain `=`.
    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let parsed = || {
            let (tag, days) = text.rsplit_once('=')?;
            let days = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days))?;
            let is_tag = !tag.is_empty() && tag.len() <= MAX_TAG && !tag.contains('\0');
            is_tag.then(|| Self { tag: tag.to_owned(), days })
        };
        parsed().ok_or_else(|| InvalidRule(text.to_owned()))
    }
}

impl fmt::Display for RetentionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.tag, self.days)
    }
}

impl TryFrom<String> for RetentionRule {
    type Error = InvalidRule;

    fn try_from(text: String) -> Result<Self, InvalidRule> {
        text.parse()
    }
}

impl From<RetentionRule> for String {
    fn from(rule: RetentionRule) -> Self {
        rule.to_string()
    }
}

impl Housekeeping {
    /// Removes the assets of all owners that have the rule's tag and were registered before its days, each with all that
    /// derives from it in a transaction of its own. Those with which users made something are kept, and counted.
    ///
    /// # Errors
    /// Errors of the timeline and of the database; what was removed before stays removed.
    pub async fn remove_expired(&self, rule: &RetentionRule, dry_run: bool) -> Result<Expired, Error> {
        let before = self.now() - TimeDelta::days(rule.days.into());
        let (mut expired, mut after) = (Expired::default(), None::<(Scope, Id)>);
        loop {
            let found = {
                let mut conn = self.pool().acquire().await?;
                store::expired_assets(&mut conn, &rule.tag, before, after.as_ref(), BATCH).await?
            };
            for (scope, id) in &found {
                self.remove_one(scope, id, dry_run, &mut expired).await?;
            }
            match found.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(expired),
            }
        }
    }

    async fn remove_one(
        &self,
        scope: &Scope,
        id: &Id,
        dry_run: bool,
        expired: &mut Expired,
    ) -> Result<(), Error> {
        let context =
            RequestContext { scope: scope.clone(), user_id: None, request_id: "retention".to_owned() };
        match self.remove_asset(&context, id, Removal { cascade: false, dry_run }).await {
            Ok(removed) => {
                expired.assets += removed.assets;
                expired.artifacts += removed.artifacts;
            }
            Err(Error::InUse { .. }) => expired.in_use += 1,
            // Removed with another one, of which it is a render.
            Err(Error::Media(MediaError::AssetsNotFound(_))) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_they_are_written() {
        for text in ["draft=30", "a=b=1", "Aufnahme für morgen=36500"] {
            assert_eq!(text.parse::<RetentionRule>().unwrap().to_string(), text);
        }
        assert_eq!("a=b=7".parse::<RetentionRule>().unwrap().tag(), "a=b");
        for text in ["draft", "=3", "draft=", "draft=0", "draft=-1", "draft=1.5", "draft=36501", "a\0=1"] {
            assert_eq!(text.parse::<RetentionRule>(), Err(InvalidRule(text.to_owned())), "{text:?}");
        }
        assert!(format!("{}=1", "x".repeat(129)).parse::<RetentionRule>().is_err());
    }

    #[test]
    fn rules_are_texts_in_configuration_files() {
        let rule: RetentionRule = serde_json::from_value("draft=30".into()).unwrap();
        assert_eq!(serde_json::to_value(&rule).unwrap(), "draft=30");
        assert!(serde_json::from_value::<RetentionRule>("draft".into()).is_err());
    }
}
