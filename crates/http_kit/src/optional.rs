//! Fields with a default, for which an explicit null means the same as an absent field; and fields of a PATCH, for which
//! it does not.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "http_kit::null_as_default")]`.
///
/// # Errors
/// Errors of the deserializer.
pub fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Deserializes a field of a PATCH: a present field, even `null`, is `Some`; `null` is accepted only for nullable fields,
/// of type `Option<Option<_>>`. For `#[serde(default, deserialize_with = "http_kit::present")]`.
///
/// # Errors
/// Errors of the deserializer.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Declares `$value`, a field's default, and `$read`, which deserializes null as it: for `#[serde(default = "$value",
/// deserialize_with = "$read")]`.
#[macro_export]
macro_rules! field_default {
    ($value:ident, $read:ident: $type:ty = $default:expr) => {
        const fn $value() -> $type {
            $default
        }

        fn $read<'de, D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            let value = <Option<$type> as ::serde::Deserialize>::deserialize(deserializer)?;
            Ok(value.unwrap_or_else($value))
        }
    };
}

/// Declares functions, named after the fields, that deserialize null as the field of the struct's `Default`: for
/// `#[serde(deserialize_with = "$field")]` below `#[serde(default)]` of the struct.
#[macro_export]
macro_rules! null_as_default_of {
    ($struct:ident { $($field:ident: $type:ty),* $(,)? }) => {$(
        fn $field<'de, D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            let value = <Option<$type> as ::serde::Deserialize>::deserialize(deserializer)?;
            Ok(value.unwrap_or_else(|| $struct::default().$field))
        }
    )*};
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::field_default!(three, three_or_null: u32 = 3);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Params {
        #[serde(deserialize_with = "threshold")]
        threshold: u32,
        words: Option<String>,
    }

    crate::null_as_default_of!(Params { threshold: u32 });

    impl Default for Params {
        fn default() -> Self {
            Self { threshold: 7, words: None }
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "null_as_default")]
        strict: bool,
        #[serde(default = "three", deserialize_with = "three_or_null")]
        count: u32,
        #[serde(default, deserialize_with = "null_as_default")]
        params: Params,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Patch {
        #[serde(default, deserialize_with = "present")]
        count: Option<u32>,
        #[serde(default, deserialize_with = "present")]
        label: Option<Option<String>>,
    }

    #[test]
    fn null_is_absent() {
        let read = |text: &str| serde_json::from_str::<Body>(text).unwrap();
        let absent = read("{}");
        assert_eq!((absent.strict, absent.count, absent.params.threshold), (false, 3, 7));
        assert_eq!(read(r#"{"strict": null, "count": null, "params": null}"#), absent);
        assert_eq!(read(r#"{"params": {"threshold": null, "words": null}}"#), absent);
        let patch = |text: &str| serde_json::from_str::<Patch>(text);
        assert_eq!(patch("{}").unwrap(), Patch { count: None, label: None });
        assert_eq!(patch(r#"{"label": null}"#).unwrap().label, Some(None), "null of a PATCH is not absent");
        assert!(patch(r#"{"count": null}"#).is_err());
        let given = read(r#"{"strict": true, "count": 4, "params": {"threshold": 5}}"#);
        assert_eq!((given.strict, given.count, given.params.threshold), (true, 4, 5));
    }
}
