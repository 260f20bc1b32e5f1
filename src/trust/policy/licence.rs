//! SPDX licence expressions (SPDX 2.3, annex D): whether one can be met with licences that a policy accepts.

/// How many words and how deep an expression may be.
const WORDS: usize = 512;
const DEPTH: usize = 32;

/// Whether the expression can be met: of `OR` one side, of `AND` both; `WITH` belongs to the licence before it.
pub(super) fn met(expression: &str, accepts: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if words.len() > WORDS {
        return Err(format!("the expression has {} words; {WORDS} are read", words.len()));
    }
    let mut reader = Reader { words: &words, at: 0, accepts };
    let met = reader.any(DEPTH)?;
    match reader.at == words.len() {
        true => Ok(met),
        false => Err(format!("`{}` is not expected there", words[reader.at])),
    }
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    accepts: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn any(&mut self, depth: usize) -> Result<bool, String> {
        let mut met = self.all(depth)?;
        while self.takes("OR") {
            met |= self.all(depth)?;
        }
        Ok(met)
    }

    fn all(&mut self, depth: usize) -> Result<bool, String> {
        let mut met = self.one(depth)?;
        while self.takes("AND") {
            met &= self.one(depth)?;
        }
        Ok(met)
    }

    fn one(&mut self, depth: usize) -> Result<bool, String> {
        let depth = depth.checked_sub(1).ok_or("the expression nests too deep")?;
        if self.takes("(") {
            let met = self.any(depth)?;
            return if self.takes(")") { Ok(met) } else { Err("a `)` is missing".into()) };
        }
        let word = *self.words.get(self.at).ok_or("a licence is missing")?;
        if ["AND", "OR", "WITH", ")"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) {
            return Err(format!("`{word}` is not expected there"));
        }
        self.at += 1;
        if !self.takes("WITH") {
            return Ok((self.accepts)(word));
        }
        let exception = *self.words.get(self.at).ok_or("an exception is missing")?;
        self.at += 1;
        Ok((self.accepts)(&format!("{word} WITH {exception}")))
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let takes = self.words.get(self.at).is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(takes);
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_as_spdx_reads_them() {
        let accepts =
            |licence: &str| ["MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"].contains(&licence);
        for (expression, is) in [
            ("MIT", true),
            ("MIT AND Apache-2.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only OR MIT AND BSL-1.1", false),
            ("(GPL-3.0-only OR MIT) AND Apache-2.0", true),
            ("GPL-2.0-only WITH Classpath-exception-2.0", true),
            ("GPL-2.0-only", false),
        ] {
            assert_eq!(met(expression, &accepts), Ok(is), "{expression}");
        }
        for expression in ["", "MIT AND", "(MIT", "MIT)", "OR MIT", "MIT MIT", &"(".repeat(60)] {
            assert!(met(expression, &accepts).is_err(), "{expression}");
        }
    }
}
