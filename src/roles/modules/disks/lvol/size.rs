//! A size as it is asked for.

/// A size as it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Size {
    /// `+` or `-` for a change by so much.
    pub(super) sign: Option<char>,
    /// The digits.
    pub(super) digits: String,
    /// `m`, `g`, ...; `%VG`, `%FREE`, ...
    pub(super) unit: String,
}

impl Size {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let sign = text.chars().next().filter(|sign| matches!(sign, '+' | '-'));
        let rest = text.trim_start_matches(['+', '-']);
        if let Some((digits, whole)) = rest.split_once('%') {
            let percent: u32 = digits.parse().map_err(|_| format!("Bad size specification of '{rest}'"))?;
            if percent > 100 {
                return Err("Size percentage cannot be larger than 100%".into());
            }
            if whole == "ORIGIN" {
                return Err("Percentage of ORIGIN supported only for snapshot volumes".into());
            }
            if !matches!(whole, "VG" | "PVS" | "FREE") {
                return Err("Specify extents as a percentage of VG|PVS|FREE|ORIGIN".into());
            }
            return Ok(Self { sign, digits: digits.to_owned(), unit: format!("%{whole}") });
        }
        let unit = rest.chars().last().filter(|last| "bskmgtpe".contains(last.to_ascii_lowercase()));
        let digits = unit.map_or(rest, |unit| rest.trim_end_matches(unit));
        if !digits.starts_with(|c: char| c.is_ascii_digit()) || digits.parse::<f64>().is_err() {
            return Err(format!("Bad size specification of '{digits}'"));
        }
        Ok(Self { sign, digits: digits.to_owned(), unit: unit.unwrap_or('m').to_string() })
    }

    pub(super) fn is_share(&self) -> bool {
        self.unit.starts_with('%')
    }

    pub(super) fn number(&self) -> f64 {
        self.digits.parse().unwrap_or_default()
    }

    /// The unit that sizes are asked and compared in.
    pub(super) fn scale(&self) -> String {
        if self.is_share() { "m".into() } else { self.unit.to_lowercase() }
    }

    pub(super) fn words(&self, option: Option<&str>) -> [String; 2] {
        let own = if self.is_share() { "-l" } else { "-L" };
        let sign = self.sign.map(String::from).unwrap_or_default();
        [option.unwrap_or(own).to_owned(), format!("{sign}{}{}", self.digits, self.unit)]
    }
}
