//! A replacement's text: Python's templates with `\1`, `\g<name>` and `\n`.

use super::{Pattern, PatternError};
use fancy_regex::Captures;

/// A parsed replacement.
#[derive(Clone, Debug)]
pub struct Replacement {
    parts: Vec<Part>,
    text: String,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Number(usize),
    Name(String),
}

impl Replacement {
    /// Parses a template as `re.sub` does.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let parts = Template { chars: text.chars().collect(), at: 0, parts: Vec::new() }
            .parse()
            .map_err(|problem| PatternError::Replacement { text: text.to_owned(), problem })?;
        Ok(Self { parts, text: text.to_owned() })
    }

    /// A text that stands for itself.
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())], text: text.to_owned() }
    }

    /// Whether every group that it names is one of the pattern's.
    pub fn check(&self, pattern: &Pattern) -> Result<(), PatternError> {
        let groups = pattern.groups();
        for part in &self.parts {
            let unknown = match part {
                Part::Number(number) if *number >= groups.len() => number.to_string(),
                Part::Name(name) if !groups.iter().flatten().any(|group| group == name) => name.clone(),
                _ => continue,
            };
            let problem = format!("invalid group reference {unknown}");
            return Err(PatternError::Replacement { text: self.text.clone(), problem });
        }
        Ok(())
    }

    /// Writes it out for a match; a group that took no part is empty.
    pub fn expand(&self, found: &Captures<'_, str>, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Number(number) => out.push_str(found.get(*number).map_or("", |group| group.as_str())),
                Part::Name(name) => out.push_str(found.name(name).map_or("", |group| group.as_str())),
            }
        }
    }
}

/// `re._parser.parse_template`.
struct Template {
    chars: Vec<char>,
    at: usize,
    parts: Vec<Part>,
}

impl Template {
    fn parse(mut self) -> Result<Vec<Part>, String> {
        while let Some(c) = self.next() {
            if c == '\\' {
                self.escape()?;
            } else {
                self.push(c);
            }
        }
        Ok(self.parts)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += 1;
        c
    }

    fn digit(&mut self, most: char) -> Option<char> {
        let digit = self.chars.get(self.at).copied().filter(|c| ('0'..=most).contains(c))?;
        self.at += 1;
        Some(digit)
    }

    fn push(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.parts.push(Part::Text(c.into())),
        }
    }

    fn octal(&mut self, digits: &str) -> Result<(), String> {
        let code = u32::from_str_radix(digits, 8).unwrap_or(0);
        let c = char::from_u32(code).filter(|_| code <= 0o377);
        self.push(c.ok_or(format!("octal escape value \\{digits} outside of range 0-0o377"))?);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.next().ok_or("bad escape (end of pattern)")? {
            'g' => {
                if self.next() != Some('<') {
                    return Err("missing <".into());
                }
                let rest = &self.chars[self.at..];
                let length = rest.iter().position(|c| *c == '>').ok_or("missing >, unterminated name")?;
                let name: String = rest[..length].iter().collect();
                self.at += length + 1;
                let number = name.parse().ok().filter(|_| name.chars().all(|c| c.is_ascii_digit()));
                let word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
                match number {
                    Some(number) => self.parts.push(Part::Number(number)),
                    None if word => self.parts.push(Part::Name(name)),
                    None => return Err(format!("bad character in group name `{name}`")),
                }
            }
            '0' => {
                let digits: String = [self.digit('7'), self.digit('7')].into_iter().flatten().collect();
                self.octal(&format!("0{digits}"))?;
            }
            first if first.is_ascii_digit() => {
                let mut digits = String::from(first);
                if let Some(second) = self.digit('9') {
                    digits.push(second);
                    if first <= '3'
                        && second <= '7'
                        && let Some(third) = self.digit('7')
                    {
                        digits.push(third);
                        return self.octal(&digits);
                    }
                }
                self.parts.push(Part::Number(digits.parse().unwrap_or(usize::MAX)));
            }
            letter if letter.is_ascii_alphabetic() => {
                let plain = super::translate::control(letter).ok_or(format!("bad escape \\{letter}"))?;
                self.push(plain);
            }
            '\\' => self.push('\\'),
            other => {
                self.push('\\');
                self.push(other);
            }
        }
        Ok(())
    }
}
