//! Values that are one word with a form of their own: each is judged where it is read, so that no wrong one exists.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// One word with a form.
pub(crate) trait Word: Sized {
    /// Its name in the schema.
    const NAME: &'static str;
    /// One that is right; it is shown in messages, and stands in for a template that is not rendered yet.
    const EXAMPLE: &'static str;
    /// What it is, after "expected".
    const EXPECTED: &'static str;
    /// Reads it; `None` where the form is wrong.
    fn parse(text: &str) -> Option<Self>;
}

struct Reading<T>(PhantomData<T>);

impl<T: Word> Visitor<'_> for Reading<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} such as `{}`", T::EXPECTED, T::EXAMPLE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        // What was found is shown only where it is short: a long wrong value may be a secret that was put there.
        let shown = if text.len() <= 64 && !text.contains("://") { format!("`{text}`") } else { "another".into() };
        T::parse(text)
            .ok_or_else(|| E::custom(format_args!("expected {} such as `{}`, found {shown}", T::EXPECTED, T::EXAMPLE)))
    }
}

/// Gives a [`Word`] its serde and schema faces; printed, it is what was written.
macro_rules! word {
    ($($type:ty),*) => { $(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_newtype_struct(<Self as Word>::EXAMPLE, Reading::<Self>(PhantomData))
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                <Self as Word>::NAME.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let (expected, example) = (<Self as Word>::EXPECTED, <Self as Word>::EXAMPLE);
                schemars::json_schema!({ "type": "string", "description": expected, "examples": [example] })
            }
        }
    )* };
}

word!(
    Period,
    Mode,
    Region,
    Name,
    RoleName,
    Url,
    Path,
    VariableName,
    super::reference::Reference,
    super::secret_url::SecretUrl
);

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub std::time::Duration);

impl Period {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// Reads it as settings have it: `90s`, `1h30m`.
    pub fn read(text: &str) -> Option<Self> {
        <Self as Word>::parse(text)
    }

    /// As the standard library has it.
    pub fn get(self) -> std::time::Duration {
        self.0
    }
}

const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Word for Period {
    const NAME: &'static str = "Period";
    const EXAMPLE: &'static str = "90s";
    const EXPECTED: &'static str = "a length of time in d, h, m, s or ms";

    fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut total) = (text, 0u64);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
            total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
            rest = tail;
        }
        (!text.is_empty()).then(|| Self(std::time::Duration::from_millis(total)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in UNITS {
            if rest >= *factor {
                write!(f, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

/// Permission bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Word for Mode {
    const NAME: &'static str = "Mode";
    const EXAMPLE: &'static str = "0755";
    const EXPECTED: &'static str = "an octal file mode";

    fn parse(text: &str) -> Option<Self> {
        let digits = (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        digits.then(|| u32::from_str_radix(text, 8).ok()).flatten().map(Self)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// A string with a form.
macro_rules! text_word {
    ($(#[$doc:meta])* $type:ident, $example:literal, $expected:literal, $judge:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Word for $type {
            const NAME: &'static str = stringify!($type);
            const EXAMPLE: &'static str = $example;
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Option<Self> {
                let judge: fn(&str) -> bool = $judge;
                judge(text).then(|| Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_word! {
    /// An AWS region. It becomes part of host names, so nothing else may stand in it.
    Region, "eu-west-1", "an AWS region",
    |text| text.len() <= 32 && text.contains('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

text_word! {
    /// A plain name: it becomes part of object keys, parameter names and paths.
    Name, "stable", "a name of letters, digits and . _ - that starts with a letter or digit", plain_name
}

text_word! {
    /// A role's name, or `namespace.collection.role`.
    RoleName, "common", "a role's name", plain_name
}

text_word! {
    /// An environment variable's name.
    VariableName, "APP_TIER", "an environment variable's name",
    |text| text.len() <= 128 && !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

text_word! {
    /// An `http` or `https` address.
    Url, "https://proxy.internal:3128", "an http or https address",
    |text| ["https://", "http://", "socks5://", "socks5h://"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    }) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

text_word! {
    /// An absolute path without `..`.
    Path, "/var/lib/muster", "an absolute path",
    |text| text.starts_with('/') && !text.contains('\0') && !text.split('/').any(|step| step == "..")
}

impl Path {
    /// As the standard library has it.
    pub fn as_path(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }
}

fn plain_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl Path {
    /// A default.
    pub(crate) fn from_static(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_printed_with_units() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1d", 86_400)] {
            assert_eq!(Period::parse(text), Some(Period::seconds(seconds)), "{text}");
        }
        assert_eq!(Period::parse("1500ms").expect("ms").to_string(), "1s500ms");
        for text in ["", "90", "s", "1w", "-1s", "1.5h", "99999999999999999999s", "10 m"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_cannot_climb_out_of_a_path() {
        assert!(Name::parse("v1.2-rc_3").is_some());
        for text in ["", "../etc", "a/b", ".hidden", "a..b", "-x", "a b"] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
        assert!(Path::parse("/a/b").is_some() && Path::parse("/a/../b").is_none());
        assert!(Region::parse("us-gov-west-1").is_some() && Region::parse("x-1.evil.test").is_none());
    }

    #[test]
    fn modes_are_octal_quoted_or_not() {
        assert_eq!(Mode::parse("0644"), Some(Mode(0o644)));
        assert_eq!((Mode::parse("999"), Mode::parse("u=rw")), (None, None));
    }
}
