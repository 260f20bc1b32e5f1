//! Python's pattern syntax, written as this program's engine has it.
//!
//! The engine is richer than Python's in places (nested classes, `\<`, `\h`) and stricter in others (a lone brace), and
//! `$` means another thing; everything else passes as it is.

use super::Flags;
use std::fmt::Write;

/// The character that a letter after a backslash stands for, in patterns and replacements alike.
pub fn control(letter: char) -> Option<char> {
    Some(match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        _ => return None,
    })
}

/// The same pattern in the engine's syntax.
pub fn translate(pattern: &str, flags: Flags) -> Result<String, String> {
    let mut scan = Scan {
        chars: pattern.chars().collect(),
        at: 0,
        out: String::with_capacity(pattern.len() + 16),
        modes: vec![Mode { multi_line: flags.multi_line, verbose: false }],
    };
    let mut prefix = String::new();
    for (letter, set) in [('i', flags.ignore_case), ('m', flags.multi_line), ('s', flags.dot_all)] {
        if set {
            prefix.push(letter);
        }
    }
    if !prefix.is_empty() {
        let _ = write!(scan.out, "(?{prefix})");
    }
    while let Some(c) = scan.next() {
        scan.step(c)?;
    }
    Ok(scan.out)
}

#[derive(Clone, Copy)]
struct Mode {
    multi_line: bool,
    verbose: bool,
}

struct Scan {
    chars: Vec<char>,
    at: usize,
    out: String,
    /// One for the whole and one for each open group.
    modes: Vec<Mode>,
}

impl Scan {
    fn next(&mut self) -> Option<char> {
        let c = self.peek(0);
        self.at += usize::from(c.is_some());
        c
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn mode(&self) -> Mode {
        self.modes.last().copied().unwrap_or(Mode { multi_line: false, verbose: false })
    }

    fn step(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => return self.escape(false),
            '[' => return self.class(),
            '(' => return self.group(),
            ')' => {
                if self.modes.len() > 1 {
                    self.modes.pop();
                }
                self.out.push(')');
            }
            // Without MULTILINE Python's `$` also matches before a final newline.
            '$' if !self.mode().multi_line => self.out.push_str(r"(?=\n?\z)"),
            '{' => self.brace(),
            '}' | ']' => {
                self.out.push('\\');
                self.out.push(c);
            }
            '#' if self.mode().verbose => while self.next().is_some_and(|c| c != '\n') {},
            c if c.is_whitespace() && self.mode().verbose => {}
            c => self.out.push(c),
        }
        Ok(())
    }

    /// A quantifier, or a brace that stands for itself.
    fn brace(&mut self) {
        let rest = &self.chars[self.at..];
        let end = rest.iter().position(|c| *c == '}').unwrap_or(0);
        let inner: String = rest[..end].iter().collect();
        let (low, high) = inner.split_once(',').map_or((inner.as_str(), None), |(low, high)| (low, Some(high)));
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if inner.is_empty() || !digits(low) || !high.is_none_or(digits) {
            self.out.push_str(r"\{");
            return;
        }
        self.at += end + 1;
        let low = if low.is_empty() { "0" } else { low };
        let _ = match high {
            None => write!(self.out, "{{{low}}}"),
            Some(high) => write!(self.out, "{{{low},{high}}}"),
        };
    }

    fn group(&mut self) -> Result<(), String> {
        let mut mode = self.mode();
        self.out.push('(');
        if self.peek(0) != Some('?') {
            self.modes.push(mode);
            return Ok(());
        }
        if self.peek(1) == Some('#') {
            self.out.pop();
            while self.next().ok_or("missing ), unterminated comment")? != ')' {}
            return Ok(());
        }
        if !self.peek(1).is_some_and(|c| c == '-' || c.is_ascii_lowercase()) {
            // Lookarounds, names, conditions: up to here they are written alike. Names hold nothing special.
            self.at += 1;
            self.out.push('?');
            if let Some(kind) = self.next() {
                self.out.push(kind);
            }
            self.modes.push(mode);
            return Ok(());
        }
        self.inline_flags(&mut mode)
    }

    /// `(?im)` for the whole pattern, `(?i:` and `(?-i:` for a group.
    fn inline_flags(&mut self, mode: &mut Mode) -> Result<(), String> {
        self.at += 1;
        let (mut kept, mut on) = (String::new(), true);
        loop {
            match self.next().ok_or("missing -, : or )")? {
                'm' => {
                    mode.multi_line = on;
                    kept.push('m');
                }
                'x' => mode.verbose = on,
                c @ ('i' | 's') => kept.push(c),
                'u' => {}
                '-' => {
                    on = false;
                    kept.push('-');
                }
                ':' => {
                    let _ = write!(self.out, "?{}:", kept.trim_end_matches('-'));
                    self.modes.push(*mode);
                    return Ok(());
                }
                ')' => {
                    self.out.pop();
                    if !kept.is_empty() {
                        let _ = write!(self.out, "(?{kept})");
                    }
                    if let Some(last) = self.modes.last_mut() {
                        *last = *mode;
                    }
                    return Ok(());
                }
                other => return Err(format!("the inline flag `{other}` is not supported")),
            }
        }
    }

    /// `[...]`: in Python nothing but `]`, `^`, `-` and the backslash is special in it.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.peek(0) == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.next().ok_or("unterminated character set")? {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                // A range's dash is the one between two members.
                '-' if !first && self.peek(0).is_some_and(|c| c != ']') && !self.out.ends_with('-') => {
                    self.out.push('-');
                }
                c => self.literal(c),
            }
            first = false;
        }
    }

    /// A character that stands for itself, whatever the engine would make of it.
    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || !c.is_ascii() || c == '_' {
            self.out.push(c);
        } else {
            let _ = write!(self.out, "\\x{:02X}", c as u32);
        }
    }

    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let c = self.next().ok_or("bad escape (end of pattern)")?;
        match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'A' | 'b' | 'B' if !in_class => {
                self.out.push('\\');
                self.out.push(c);
            }
            'Z' if !in_class => self.out.push_str(r"\z"),
            'x' => self.hexadecimal(2)?,
            'u' => self.hexadecimal(4)?,
            'U' => self.hexadecimal(8)?,
            '0'..='9' => self.number(c, in_class)?,
            c => match control(c) {
                Some(plain) => self.literal(plain),
                None if c.is_ascii_alphabetic() => return Err(format!("bad escape \\{c}")),
                None => self.literal(c),
            },
        }
        Ok(())
    }

    fn hexadecimal(&mut self, length: usize) -> Result<(), String> {
        let digits: String = self.chars[self.at..].iter().take(length).collect();
        let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == length);
        let c = code.and_then(char::from_u32).ok_or(format!("incomplete escape \\x{digits}"))?;
        self.at += length;
        self.literal(c);
        Ok(())
    }

    /// A group's number, or an octal code.
    fn number(&mut self, first: char, in_class: bool) -> Result<(), String> {
        let mut digits = String::from(first);
        while digits.len() < 3 && self.peek(0).is_some_and(|c| c.is_digit(8)) {
            digits.extend(self.next());
        }
        let octal = in_class || first == '0' || (digits.len() == 3 && first <= '3');
        if octal {
            let c = u32::from_str_radix(&digits, 8).ok().filter(|code| *code <= 0o377).and_then(char::from_u32);
            self.literal(c.ok_or(format!("bad octal escape \\{digits}"))?);
            return Ok(());
        }
        // At most two digits name a group; what was read beyond is text again.
        self.at -= digits.len() - 1;
        digits.truncate(1);
        digits.extend(self.peek(0).filter(char::is_ascii_digit));
        self.at += digits.len() - 1;
        let _ = write!(self.out, r"(?:\{digits})");
        Ok(())
    }
}
