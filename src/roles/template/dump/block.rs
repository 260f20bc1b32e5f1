//! Texts of YAML that stand by themselves, line by line: literal and folded ones, as libyaml writes them.

use super::scalar::{is_break, is_printable};
use super::yaml::Emitter;

impl Emitter {
    /// Whether a text may stand so.
    pub(super) fn may_be_block(&self, text: &str) -> bool {
        let shown = text.chars().all(|c| is_break(c) || c == '\t' || is_printable(c, self.layout.unicode));
        self.flow_level == 0 && !text.is_empty() && !text.ends_with(' ') && shown
    }

    /// A literal text (`|`) or a folded one (`>`).
    pub(super) fn block(&mut self, mark: char, text: &str) {
        let chars: Vec<char> = text.chars().collect();
        let mut head = mark.to_string();
        if chars.first().is_some_and(|c| *c == ' ' || is_break(*c)) {
            head.push_str(&self.layout.indent.to_string());
        }
        match chars.as_slice() {
            [.., last] if !is_break(*last) => head.push('-'),
            [_] => head.push('+'),
            [.., before, _] if is_break(*before) => head.push('+'),
            _ => {}
        }
        self.indicator(&head, true, false);
        self.line_break();
        let (mut broken, mut indented) = (true, true);
        for (at, &c) in chars.iter().enumerate() {
            if is_break(c) {
                // A line end within a paragraph is an empty line; one of several, or before an indented line, is itself.
                let after = chars[at..].iter().find(|c| !is_break(**c));
                if mark == '>' && !broken && !indented && c == '\n' && after.is_some_and(|c| !matches!(c, ' ' | '\t')) {
                    self.line_break();
                }
                self.line_break();
                broken = true;
                continue;
            }
            if broken {
                self.write_indent();
                indented = matches!(c, ' ' | '\t');
            }
            let lone = c == ' ' && !broken && chars.get(at + 1).is_some_and(|next| *next != ' ');
            if mark == '>' && lone && self.column > self.layout.width {
                self.write_indent();
            } else {
                self.raw(c.encode_utf8(&mut [0; 4]));
            }
            (self.whitespace, self.indention, broken) = (false, false, false);
        }
    }
}
