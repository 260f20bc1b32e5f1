//! Which styles a scalar may have (`Emitter.analyze_scalar` of PyYAML), and what a plain one would be read as.

/// What the emitter may do with a text.
#[derive(Default)]
pub(super) struct Analysis {
    pub(super) multiline: bool,
    pub(super) flow_plain: bool,
    pub(super) block_plain: bool,
    pub(super) single_quoted: bool,
}

const BREAKS: &str = "\n\u{85}\u{2028}\u{2029}";

/// Whether a character ends a line.
pub(super) fn is_break(c: char) -> bool {
    BREAKS.contains(c)
}

fn is_space(c: char) -> bool {
    matches!(c, '\0' | ' ' | '\t' | '\r') || is_break(c)
}

/// Whether a character is written as it is.
pub(super) fn is_printable(c: char, unicode: bool) -> bool {
    c == '\n'
        || (' '..='~').contains(&c)
        || (unicode && (c == '\u{85}' || ('\u{a0}'..='\u{fffd}').contains(&c) && c != '\u{feff}' || c >= '\u{10000}'))
}

/// Looks at a text.
pub(super) fn analyze(text: &str, unicode: bool) -> Analysis {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return Analysis { block_plain: true, single_quoted: true, ..Analysis::default() };
    }
    let document = text.starts_with("---") || text.starts_with("...");
    let (mut block, mut flow) = (document, document);
    let (mut breaks, mut special, mut break_space, mut space_break) = (false, false, false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    for (index, &c) in chars.iter().enumerate() {
        let before = index == 0 || is_space(chars[index - 1]);
        let after = chars.get(index + 1).is_none_or(|c| is_space(*c));
        if index == 0 {
            if "#,[]{}&*!|>'\"%@`".contains(c) || (c == '-' && after) {
                (flow, block) = (true, true);
            }
            if "?:".contains(c) {
                flow = true;
                block |= after;
            }
        } else {
            flow |= ",?[]{}:".contains(c) || (c == '#' && before);
            block |= (c == ':' && after) || (c == '#' && before);
        }
        breaks |= is_break(c);
        special |= !is_printable(c, unicode);
        if c == ' ' {
            break_space |= previous_break;
        } else if is_break(c) {
            space_break |= previous_space;
        }
        (previous_space, previous_break) = (c == ' ', is_break(c));
    }
    let edge = |c: Option<&char>| c.is_some_and(|c| *c == ' ' || is_break(*c));
    let ragged = edge(chars.first()) || edge(chars.last());
    let plain = !ragged && !break_space && !space_break && !special && !breaks;
    Analysis {
        multiline: breaks,
        flow_plain: plain && !flow,
        block_plain: plain && !block,
        single_quoted: !break_space && !space_break && !special,
    }
}

/// Whether a plain text would be read as something that is no text (YAML 1.1, as PyYAML resolves it).
pub(super) fn is_not_text(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "", "~", "null", "Null", "NULL", "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false",
        "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", "=", "<<", ".inf", ".Inf", ".INF", ".nan", ".NaN",
        ".NAN", "-.inf", "-.Inf", "-.INF", "+.inf", "+.Inf", "+.INF",
    ];
    WORDS.contains(&text) || is_number(text) || is_date(text)
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |text: &str, ok: fn(char) -> bool| !text.is_empty() && text.chars().all(|c| ok(c) || c == '_');
    let decimal = |c: char| c.is_ascii_digit();
    if let Some(hex) = digits.strip_prefix("0x") {
        return all(hex, |c| c.is_ascii_hexdigit());
    }
    if let Some(bits) = digits.strip_prefix("0b") {
        return all(bits, |c| c == '0' || c == '1');
    }
    if digits == "0" || (digits.starts_with('0') && all(&digits[1..], |c| ('0'..='7').contains(&c))) {
        return true;
    }
    let starts = digits.starts_with(decimal);
    if starts && !digits.starts_with('0') && all(digits, |c| c.is_ascii_digit()) {
        return true;
    }
    // Base 60: `1:30`, `1:30.5`.
    if starts && digits.contains(':') {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut parts = whole.split(':');
        let first = parts.next().unwrap_or_default();
        let rest_ok = parts.all(|p| p.len() <= 2 && !p.is_empty() && p.parse::<u8>().is_ok_and(|n| n < 60));
        let head_ok = all(first, |c| c.is_ascii_digit()) && (digits.contains('.') || !first.starts_with('0'));
        return rest_ok && head_ok && fraction.chars().all(|c| decimal(c) || c == '_');
    }
    // Fractions: a point is needed, and an exponent needs a sign.
    let Some((whole, fraction)) = digits.split_once('.') else { return false };
    let (fraction, exponent) = fraction.split_once(['e', 'E']).map_or((fraction, None), |(f, e)| (f, Some(e)));
    let exponent_ok =
        exponent.is_none_or(|e| e.strip_prefix(['-', '+']).is_some_and(|d| all(d, |c| c.is_ascii_digit())));
    let fraction_ok = fraction.chars().all(|c| decimal(c) || c == '_');
    let whole_ok = if whole.is_empty() {
        fraction.starts_with(decimal) && !text.starts_with(['-', '+'])
    } else {
        starts && whole.chars().all(|c| decimal(c) || c == '_')
    };
    whole_ok && fraction_ok && exponent_ok
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let digits =
        |part: &str, most: usize| !part.is_empty() && part.len() <= most && part.bytes().all(|b| b.is_ascii_digit());
    let rest = &text[5..];
    let Some((month, rest)) = rest.split_once('-') else { return false };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, time) = rest.split_at(end);
    if time.is_empty() {
        return month.len() == 2 && day.len() == 2 && digits(month, 2) && digits(day, 2);
    }
    let clock = time.trim_start_matches(['T', 't', ' ', '\t']);
    clock.len() < time.len() && digits(month, 2) && digits(day, 2) && clock.matches(':').count() >= 2 && {
        clock.chars().all(|c| c.is_ascii_digit() || ":.+-Zz \t".contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::is_not_text;

    #[test]
    fn what_reads_back_as_something_else_is_known() {
        for text in ["yes", "0644", "1:30", "1.5", "1e3.", "2024-01-02", "~", "0x1F", "1_000", ".5", "1.0e+3"] {
            assert_eq!(is_not_text(text), text != "1e3.", "{text}");
        }
        for text in ["y", "1e3", "a", "0.0.0.0", "08", "12:99", "2024-1-2x", "1.2.3"] {
            assert!(!is_not_text(text), "{text}");
        }
    }
}
