//! `comment`: a text as a comment of some language.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;

pub(super) static FILTERS: &[Filter] = &[Filter::values("comment", &["style", "**"], comment)];

/// Name, beginning, decoration, end.
const STYLES: &[(&str, &str, &str, &str)] = &[
    ("plain", "", "# ", ""),
    ("erlang", "", "% ", ""),
    ("c", "", "// ", ""),
    ("cblock", "/*", " * ", " */"),
    ("xml", "<!--", " - ", "-->"),
];

fn comment(value: &Value, args: &Args) -> Result<Value, String> {
    let subject = value.as_str().ok_or_else(|| format!("takes text, not {}", value.type_name()))?;
    let style = args.text_or(0, "plain");
    let (_, beginning, decoration, end) = STYLES
        .iter()
        .find(|row| row.0 == style)
        .ok_or_else(|| format!("Invalid style '{style}'. Available styles: plain, erlang, c, cblock, xml"))?;
    let given = |name: &str| args.named.iter().find(|(have, _)| &**have == name).map(|(_, value)| value);
    let text = |name: &str, default: &str| given(name).map_or_else(|| default.to_owned(), python::text);
    let count = |name: &str| {
        given(name)
            .map_or(Some(1), |v| python::to_int(v, 10))
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0)
            .min(999)
    };
    let known = ["newline", "beginning", "prefix", "prefix_count", "decoration", "postfix", "postfix_count", "end"];
    if let Some((name, _)) = args.named.iter().find(|(name, _)| !known.contains(&&**name)) {
        return Err(format!("has no argument `{name}`"));
    }
    let newline = text("newline", "\n");
    let decoration = text("decoration", decoration);
    let edge = decoration.trim_end().to_owned();
    let (prefix, postfix) = (text("prefix", &edge), text("postfix", &edge));
    let (beginning, end) = (text("beginning", beginning), text("end", end));
    let mut out = String::new();
    if !beginning.is_empty() {
        out += &format!("{beginning}{newline}");
    }
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out += &line.repeat(count("prefix_count"));
    }
    // A line that is empty but for its decoration has no space at its end.
    let body = format!("{decoration}{}", subject.replace(&newline, &format!("{newline}{decoration}")));
    out += &body.replace(&format!("{decoration}{newline}"), &format!("{edge}{newline}"));
    out += &format!("{newline}{postfix}").repeat(count("postfix_count"));
    if !end.is_empty() {
        out += &format!("{newline}{end}");
    }
    Ok(Value::str(out))
}
