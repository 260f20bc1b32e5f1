//! Python's two ways to format: `'%s' % x` and `'{}'.format(x)`.

use super::{Named, Outcome};
use crate::roles::template::python;
use crate::roles::value::{Key, Value};

/// How a value is laid out, in either way.
#[derive(Default)]
struct Layout {
    fill: Option<char>,
    align: Option<char>,
    plus: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    comma: bool,
    precision: Option<usize>,
    kind: char,
}

/// Wider fields are refused.
const WIDEST: usize = 1 << 16;

/// `format % args`.
pub(in crate::roles::template) fn percent(format: &str, args: &Value) -> Result<String, String> {
    let list = match args {
        Value::List(items) if items.is_tuple() => items.to_vec(),
        other => vec![other.clone()],
    };
    let mut next = list.iter();
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut name = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            name = Some(chars.by_ref().take_while(|c| *c != ')').collect::<String>());
        }
        let mut layout = Layout::default();
        while let Some(flag) = chars.next_if(|c| "-+ #0".contains(*c)) {
            match flag {
                '-' => layout.align = Some('<'),
                '0' => layout.zero = true,
                '#' => layout.alternate = true,
                sign => layout.plus = Some(sign),
            }
        }
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            layout.width = (layout.width * 10 + digit.to_digit(10).unwrap_or(0) as usize).min(WIDEST);
        }
        if chars.next_if_eq(&'.').is_some() {
            let digits: String = std::iter::from_fn(|| chars.next_if(char::is_ascii_digit)).collect();
            layout.precision = Some(digits.parse().unwrap_or(0));
        }
        layout.kind = chars.next().ok_or("incomplete format")?;
        if layout.kind == '%' {
            out.push('%');
            continue;
        }
        let value = match &name {
            Some(name) => args.get(name).ok_or_else(|| format!("KeyError: '{name}'"))?,
            None => next.next().ok_or("not enough arguments for format string")?,
        };
        out.push_str(&laid_out(value, &layout, true)?);
    }
    // Whatever can be asked for a member may have more than were.
    let keyed = match args {
        Value::Map(_) => true,
        Value::List(items) => !items.is_tuple(),
        _ => false,
    };
    if next.next().is_some() && !keyed {
        return Err("not all arguments converted during string formatting".into());
    }
    Ok(out)
}

/// `format.format(...)`.
pub(super) fn braces(format: &str, args: &[Value], named: &Named) -> Outcome {
    let (mut out, mut automatic) = (String::new(), 0usize);
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let mark = &rest[at..=at];
        rest = &rest[at + 1..];
        if rest.starts_with(mark) {
            out.push_str(mark);
            rest = &rest[1..];
            continue;
        }
        if mark == "}" {
            return Err("Single '}' encountered in format string".into());
        }
        let end = rest.find('}').ok_or("expected '}' before end of string")?;
        let field = &rest[..end];
        rest = &rest[end + 1..];
        let (field, spec) = field.split_once(':').unwrap_or((field, ""));
        let (field, conversion) = field.split_once('!').unwrap_or((field, ""));
        let mut value = field_value(field, args, named, &mut automatic)?;
        if conversion == "r" {
            value = Value::str(python::repr(&value));
        }
        out.push_str(&laid_out(&value, &spec_layout(spec)?, false)?);
    }
    out.push_str(rest);
    Ok(Value::str(out))
}

fn field_value(field: &str, args: &[Value], named: &Named, automatic: &mut usize) -> Outcome {
    let end = field.find(['.', '[']).unwrap_or(field.len());
    let (first, mut path) = field.split_at(end);
    let mut value = if first.is_empty() {
        *automatic += 1;
        args.get(*automatic - 1).cloned()
    } else if let Ok(index) = first.parse::<usize>() {
        args.get(index).cloned()
    } else {
        named.iter().find(|(name, _)| &**name == first).map(|(_, value)| value.clone())
    }
    .ok_or_else(|| format!("Replacement index {first} out of range for positional args tuple"))?;
    while !path.is_empty() {
        let (key, after) = match path.strip_prefix('[') {
            Some(inner) => inner.split_once(']').ok_or("Missing ']' in format string")?,
            None => {
                let inner = path.trim_start_matches('.');
                inner.split_at(inner.find(['.', '[']).unwrap_or(inner.len()))
            }
        };
        let member = match (&value, key.parse::<i64>()) {
            (Value::List(items), Ok(at)) => super::super::operators::index(at, items.len()).map(|at| items[at].clone()),
            (Value::Map(map), Ok(at)) => map.get(&Key::Int(at)).or_else(|| map.get(&Key::from(key))).cloned(),
            (value, _) => value.get(key).cloned(),
        };
        value = member.ok_or_else(|| format!("KeyError: '{key}'"))?;
        path = after;
    }
    Ok(value)
}

fn spec_layout(spec: &str) -> Result<Layout, String> {
    let chars: Vec<char> = spec.chars().collect();
    let mut layout = Layout::default();
    let mut at = 0;
    if chars.get(1).is_some_and(|c| "<>^=".contains(*c)) {
        (layout.fill, layout.align) = (Some(chars[0]), Some(chars[1]));
        at = 2;
    } else if chars.first().is_some_and(|c| "<>^=".contains(*c)) {
        layout.align = Some(chars[0]);
        at = 1;
    }
    if let Some(sign) = chars.get(at).filter(|c| "+- ".contains(**c)) {
        layout.plus = Some(*sign).filter(|c| *c != '-');
        at += 1;
    }
    if chars.get(at) == Some(&'#') {
        layout.alternate = true;
        at += 1;
    }
    if chars.get(at) == Some(&'0') {
        layout.zero = true;
        at += 1;
    }
    while let Some(digit) = chars.get(at).and_then(|c| c.to_digit(10)) {
        layout.width = (layout.width * 10 + digit as usize).min(WIDEST);
        at += 1;
    }
    if chars.get(at) == Some(&',') {
        layout.comma = true;
        at += 1;
    }
    if chars.get(at) == Some(&'.') {
        at += 1;
        let digits: String = chars[at..].iter().take_while(|c| c.is_ascii_digit()).collect();
        at += digits.len();
        layout.precision = Some(digits.parse().map_err(|_| "Format specifier missing precision")?);
    }
    layout.kind = chars.get(at).copied().unwrap_or('\0');
    if at + 1 < chars.len() { Err(format!("Invalid format specifier '{spec}'")) } else { Ok(layout) }
}

fn laid_out(value: &Value, layout: &Layout, old: bool) -> Result<String, String> {
    let number = || match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Ok(()),
        other => Err(format!("%{} format: a real number is required, not {}", layout.kind, other.type_name())),
    };
    let whole = || number().map(|()| python::to_int(value, 10).unwrap_or(0));
    let fraction = || number().map(|()| python::to_float(value).unwrap_or(0.0));
    let precision = layout.precision.unwrap_or(6).min(100);
    let numeric_kind = match (layout.kind, value) {
        ('\0', Value::Int(_)) => 'd',
        ('\0', Value::Float(_)) if layout.precision.is_some() => 'g',
        (kind, _) => kind,
    };
    let mut body = match numeric_kind {
        'd' | 'i' | 'u' => whole()?.abs().to_string(),
        'x' => format!("{}{:x}", if layout.alternate { "0x" } else { "" }, whole()?.unsigned_abs()),
        'X' => format!("{}{:X}", if layout.alternate { "0X" } else { "" }, whole()?.unsigned_abs()),
        'o' => format!("{}{:o}", if layout.alternate { "0o" } else { "" }, whole()?.unsigned_abs()),
        'b' if !old => format!("{}{:b}", if layout.alternate { "0b" } else { "" }, whole()?.unsigned_abs()),
        'f' | 'F' => format!("{:.precision$}", fraction()?.abs()),
        '%' => format!("{:.precision$}%", fraction()?.abs() * 100.0),
        'e' | 'E' => exponent(fraction()?.abs(), precision, layout.kind),
        'g' | 'G' => general(fraction()?.abs(), precision.max(1)),
        'c' => python::text(value).chars().take(1).collect(),
        'r' => clipped(python::repr(value), layout.precision),
        's' | '\0' => clipped(python::text(value), layout.precision),
        kind => return Err(format!("unsupported format character '{kind}'")),
    };
    let numeric = !matches!(numeric_kind, 's' | 'r' | 'c' | '\0');
    if layout.comma && numeric {
        body = thousands(&body);
    }
    let negative = numeric && fraction()? < 0.0;
    let sign =
        if negative { "-".to_owned() } else { layout.plus.filter(|_| numeric).map(String::from).unwrap_or_default() };
    let short = layout.width.saturating_sub(body.chars().count() + sign.len());
    let zero = layout.zero && numeric && layout.align.is_none();
    let fill = layout.fill.unwrap_or(if zero { '0' } else { ' ' });
    let pad = |count: usize| fill.to_string().repeat(count);
    let default = if numeric || old { '>' } else { '<' };
    Ok(match layout.align.unwrap_or(if zero { '=' } else { default }) {
        '<' => format!("{sign}{body}{}", pad(short)),
        '^' => format!("{}{sign}{body}{}", pad(short / 2), pad(short - short / 2)),
        '=' => format!("{sign}{}{body}", pad(short)),
        _ => format!("{}{sign}{body}", pad(short)),
    })
}

fn clipped(text: String, most: Option<usize>) -> String {
    most.map_or(text.clone(), |most| text.chars().take(most).collect())
}

fn exponent(number: f64, precision: usize, kind: char) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}{kind}{sign}{digits:0>2}")
}

fn general(number: f64, precision: usize) -> String {
    let text = exponent(number, precision - 1, 'e');
    let power: i32 = text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    let digits = i32::try_from(precision).unwrap_or(6);
    if power < -4 || power >= digits {
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{power}", trim(mantissa));
    }
    let places = usize::try_from(digits - 1 - power).unwrap_or(0);
    trim(&format!("{number:.places$}"))
}

fn thousands(body: &str) -> String {
    let (whole, rest) = body.split_at(body.find('.').unwrap_or(body.len()));
    let mut out = String::new();
    for (index, c) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out + rest
}
