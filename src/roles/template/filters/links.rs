//! `urlize`: HTML links for what looks like an address of the web or of mail.

use super::Filter;
use super::text::escape;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;
use std::sync::LazyLock;

pub(super) static FILTERS: &[Filter] =
    &[Filter::values("urlize", &["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"], urlize)];

static WEB: LazyLock<Option<fancy_regex::Regex>> = LazyLock::new(|| {
    let pattern = r"(?i)^((https?://|www\.)(([\w%-]+\.)+)?([a-z]{2,63}|xn--[\w%]{2,59})|([\w%-]{2,63}\.)+(com|net|int|edu|gov|org|info|mil)|(https?://)((\d{1,3}(\.\d{1,3}){3})|(\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}\])))(?::\d{1,5})?(?:[/?#]\S*)?$";
    fancy_regex::Regex::new(pattern).ok()
});
static MAIL: LazyLock<Option<fancy_regex::Regex>> =
    LazyLock::new(|| fancy_regex::Regex::new(r"^\S+@\w[\w.-]*\.\w+$").ok());

fn matches(pattern: &LazyLock<Option<fancy_regex::Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text).unwrap_or(false))
}

fn urlize(value: &Value, args: &Args) -> Result<Value, String> {
    let limit = args.int(0)?.and_then(|limit| usize::try_from(limit).ok());
    let mut rel: Vec<String> = args.text_or(3, "").split_whitespace().map(str::to_owned).collect();
    if args.flag(1, false) {
        rel.push("nofollow".into());
    }
    rel.push("noopener".into());
    rel.sort();
    rel.dedup();
    let target = args.text(2).map(|target| format!(" target=\"{}\"", escape(&target))).unwrap_or_default();
    let attributes = format!(" rel=\"{}\"{target}", escape(&rel.join(" ")));
    let extra: Vec<String> = args.get(4).and_then(python::items).unwrap_or_default().iter().map(python::text).collect();
    let text = escape(&python::text(value));
    let mut out = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let space = word.chars().last().filter(|c| c.is_whitespace());
        let bare = word.trim_end_matches(char::is_whitespace);
        out.push_str(&link(bare, limit, &attributes, &extra));
        out.extend(space);
    }
    Ok(Value::str(out))
}

fn link(word: &str, limit: Option<usize>, attributes: &str, extra: &[String]) -> String {
    let (mut start, mut end) = (0, word.len());
    loop {
        let rest = &word[start..end];
        let Some(mark) = ["(", "<", "&lt;"].into_iter().find(|mark| rest.starts_with(mark)) else { break };
        start += mark.len();
    }
    loop {
        let rest = &word[start..end];
        let Some(mark) = [")", ">", ".", ",", "\n", "&gt;"].into_iter().find(|mark| rest.ends_with(mark)) else {
            break;
        };
        // A bracket that closes one within the address belongs to it.
        let open = match mark {
            ")" => "(",
            ">" => "<",
            "&gt;" => "&lt;",
            _ => "",
        };
        if !open.is_empty() && rest.matches(open).count() >= rest.matches(mark).count() {
            break;
        }
        end -= mark.len();
    }
    let (head, middle, tail) = (&word[..start], &word[start..end], &word[end..]);
    let shown = |text: &str| match limit {
        Some(limit) if text.chars().count() > limit => format!("{}...", text.chars().take(limit).collect::<String>()),
        _ => text.to_owned(),
    };
    let anchor = |href: String, attributes: &str, text: &str| format!("<a href=\"{href}\"{attributes}>{}</a>", text);
    let linked = if matches(&WEB, middle) {
        let full = middle.starts_with("https://") || middle.starts_with("http://");
        anchor(if full { middle.to_owned() } else { format!("https://{middle}") }, attributes, &shown(middle))
    } else if middle.len() > 7 && middle.starts_with("mailto:") && matches(&MAIL, &middle[7..]) {
        anchor(middle.to_owned(), "", &middle[7..])
    } else if middle.contains('@') && !middle.starts_with("www.") && !middle.contains(':') && matches(&MAIL, middle) {
        anchor(format!("mailto:{middle}"), "", middle)
    } else if extra.iter().any(|scheme| middle.len() > scheme.len() && middle.starts_with(scheme.as_str())) {
        anchor(middle.to_owned(), attributes, middle)
    } else {
        middle.to_owned()
    };
    format!("{head}{linked}{tail}")
}
