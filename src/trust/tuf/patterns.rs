//! Whether two patterns of delegations can match one path.

/// Whether some path matches both. Character classes are taken to match anything.
pub(super) fn overlap(a: &str, b: &str) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('/').collect(), b.split('/').collect());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| part(&classless(a), &classless(b)))
}

/// A class as the single character that it stands for: `?`.
fn classless(part: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        if c == '[' {
            rest.by_ref().take_while(|c| *c != ']').for_each(drop);
            out.push('?');
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether two parts between slashes can be one text: a table over both, so that stars cost no more than their product.
fn part(a: &[char], b: &[char]) -> bool {
    let mut row = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let below = row.clone();
        for j in (0..=b.len()).rev() {
            let (x, y) = (a.get(i), b.get(j));
            row[j] = match (x, y) {
                (None, None) => true,
                (Some('*'), _) => below[j] || (j < b.len() && row[j + 1]),
                (_, Some('*')) => row[j + 1] || (i < a.len() && below[j]),
                (Some(x), Some(y)) => (x == y || *x == '?' || *y == '?') && below[j + 1],
                _ => false,
            };
        }
    }
    row[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_overlap_where_one_path_matches_both() {
        for (a, b, together) in [
            ("stable/shop/*", "stable/shop/*", true),
            ("stable/shop/*", "stable/blog/*", false),
            ("stable/*/x", "*/shop/x", true),
            ("stable/*", "stable/shop/x", false),
            ("a*c", "ab*", true),
            ("a*c", "b*", false),
            ("a*b*c", "a*d*c", true),
            ("v[0-9]", "v5", true),
            ("v?", "v", false),
            ("*", "", true),
            ("x*", "*y", true),
        ] {
            assert_eq!(overlap(a, b), together, "{a} {b}");
            assert_eq!(overlap(b, a), together, "{b} {a}");
        }
    }
}
