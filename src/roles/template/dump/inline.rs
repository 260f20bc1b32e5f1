//! Texts of YAML within a line: plain and quoted ones, folded where they are long.

use super::scalar::{is_break, is_printable};
use super::yaml::Emitter;
use std::fmt::Write;

impl Emitter {
    pub(super) fn plain(&mut self, text: &str, split: bool) {
        if !self.whitespace && !text.is_empty() {
            self.raw(" ");
        }
        (self.whitespace, self.indention) = (false, false);
        let chars: Vec<char> = text.chars().collect();
        for (at, &c) in chars.iter().enumerate() {
            let lone = c == ' ' && at > 0 && chars[at - 1] != ' ' && chars.get(at + 1).is_some_and(|next| *next != ' ');
            if lone && split && self.column > self.layout.width {
                self.write_indent();
                (self.whitespace, self.indention) = (false, false);
            } else {
                self.raw(c.encode_utf8(&mut [0; 4]));
            }
        }
    }

    pub(super) fn single_quoted(&mut self, text: &str, split: bool) {
        self.indicator("'", true, false);
        let chars: Vec<char> = text.chars().collect();
        for (at, &c) in chars.iter().enumerate() {
            let next = chars.get(at + 1);
            let lone = c == ' ' && at > 0 && chars[at - 1] != ' ' && next.is_some_and(|next| *next != ' ');
            if lone && split && self.column > self.layout.width {
                self.write_indent();
            } else if is_break(c) {
                if (at == 0 || !is_break(chars[at - 1])) && c == '\n' {
                    self.line_break();
                }
                self.line_break();
                if next.is_none_or(|next| !is_break(*next)) {
                    self.write_indent();
                }
            } else if c == '\'' {
                self.raw("''");
            } else {
                self.raw(c.encode_utf8(&mut [0; 4]));
            }
        }
        self.whitespace = false;
        self.indicator("'", false, false);
    }

    pub(super) fn double_quoted(&mut self, text: &str, split: bool) {
        self.indicator("\"", true, false);
        let chars: Vec<char> = text.chars().collect();
        for (at, &c) in chars.iter().enumerate() {
            // As libyaml folds, which Ansible writes by where it is there: the line's end is the space.
            let first = at > 0 && chars[at - 1] != ' ';
            if c == ' ' && split && first && at + 1 < chars.len() && self.column > self.layout.width {
                self.write_indent();
                if chars[at + 1] == ' ' {
                    self.raw("\\");
                }
            } else if matches!(c, '"' | '\\' | '\n' | '\u{85}') || !is_printable(c, self.layout.unicode) {
                self.escape(c);
            } else {
                self.raw(c.encode_utf8(&mut [0; 4]));
            }
        }
        (self.whitespace, self.indention) = (false, false);
        self.indicator("\"", false, false);
    }

    fn escape(&mut self, c: char) {
        let mut text = String::from("\\");
        match c {
            '\0' => text.push('0'),
            '\u{7}' => text.push('a'),
            '\u{8}' => text.push('b'),
            '\t' => text.push('t'),
            '\n' => text.push('n'),
            '\u{b}' => text.push('v'),
            '\u{c}' => text.push('f'),
            '\r' => text.push('r'),
            '\u{1b}' => text.push('e'),
            '"' | '\\' => text.push(c),
            '\u{85}' => text.push('N'),
            '\u{a0}' => text.push('_'),
            '\u{2028}' => text.push('L'),
            '\u{2029}' => text.push('P'),
            c => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(text, "x{code:02X}"),
                    0x100..=0xffff => write!(text, "u{code:04X}"),
                    _ => write!(text, "U{code:08X}"),
                };
            }
        }
        self.raw(&text);
    }
}
