//! Permission modes as roles write them: octal numbers, octal text, symbolic text.

use crate::roles::value::Value;

/// A mode that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// These bits.
    Bits(u32),
    /// `u=rwX,g-w`: bits that depend on what is there.
    Symbolic(String),
}

const ALL: u32 = 0o7777;

impl Mode {
    /// Reads an argument. A YAML number is the number that YAML made of it (`0644` is octal, `644` is not); text is octal.
    pub fn read(value: &Value) -> Result<Self, String> {
        let bits = match value {
            Value::Int(number) => u32::try_from(*number).map_err(|_| format!("{number} is no permission mode"))?,
            other => {
                let text = other.as_str().unwrap_or_default().trim();
                let digits = text.strip_prefix("0o").unwrap_or(text);
                match u32::from_str_radix(digits, 8) {
                    Ok(bits) if !digits.starts_with('+') => bits,
                    _ => {
                        apply(text, 0, false, 0)?;
                        return Ok(Self::Symbolic(text.to_owned()));
                    }
                }
            }
        };
        if bits > ALL { Err(format!("0{bits:o} has more than permission bits")) } else { Ok(Self::Bits(bits)) }
    }

    /// The bits that it makes of a file that has `before`.
    pub fn bits(&self, before: u32, is_directory: bool, umask: u32) -> u32 {
        match self {
            Self::Bits(bits) => *bits,
            // It was parsed before.
            Self::Symbolic(text) => apply(text, before, is_directory, umask).unwrap_or(before),
        }
    }
}

/// Bits as Ansible writes them in results.
pub fn shown(mode: u32) -> String {
    format!("0{mode:03o}")
}

fn apply(text: &str, before: u32, is_directory: bool, umask: u32) -> Result<u32, String> {
    let bad = |clause: &str| format!("bad symbolic permission for mode: {clause}");
    let mut mode = before & ALL;
    for clause in text.split(',') {
        let split = clause.find(['+', '-', '=']).ok_or_else(|| bad(clause))?;
        let (users, mut rest) = clause.split_at(split);
        let masked = users.is_empty();
        let users = if users.is_empty() || users == "a" { "ugo" } else { users };
        if !users.chars().all(|user| "ugo".contains(user)) {
            return Err(bad(clause));
        }
        while let Some(operator) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
            let permissions = &rest[1..end];
            if !permissions.chars().all(|c| "rwxXstugo".contains(c)) {
                return Err(bad(clause));
            }
            for user in users.chars() {
                let mask = if masked { umask } else { 0 };
                let bits = permissions.chars().fold(0, |bits, c| bits | permission(c, user, mode, is_directory, mask));
                mode = match operator {
                    '=' => (mode & !class(user)) | bits,
                    '+' => mode | bits,
                    _ => mode & !bits,
                };
            }
            rest = &rest[end..];
        }
    }
    Ok(mode)
}

fn shift(user: char) -> u32 {
    match user {
        'u' => 6,
        'g' => 3,
        _ => 0,
    }
}

/// All bits of a class of users, its special bit included.
fn class(user: char) -> u32 {
    let special = match user {
        'u' => 0o4000,
        'g' => 0o2000,
        _ => 0o1000,
    };
    special | (0o7 << shift(user))
}

fn permission(c: char, user: char, mode: u32, is_directory: bool, umask: u32) -> u32 {
    let plain = |bit: u32| (bit << shift(user)) & !umask;
    match c {
        'r' => plain(4),
        'w' => plain(2),
        'x' => plain(1),
        // Unlike `x`, Ansible does not mask it.
        'X' if is_directory || mode & 0o111 != 0 => 1 << shift(user),
        's' if user != 'o' => class(user) & 0o6000,
        't' if user == 'o' => 0o1000,
        'u' | 'g' | 'o' => ((mode >> shift(c)) & 0o7) << shift(user),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symbolic mode, mode before, whether a directory, and ansible-core 2.19's answer with umask 022.
    const ANSWERS: &[(&str, u32, bool, u32)] = &[
        ("u=rwX,g=rX,o=", 0o600, false, 0o640),
        ("u=rwX,g=rX,o=", 0o600, true, 0o750),
        ("u=rwX,g=rX,o=", 0o700, false, 0o750),
        ("a+x", 0o644, false, 0o755),
        ("+w", 0o444, false, 0o644),
        ("go-rwx", 0o777, false, 0o700),
        ("g=u", 0o640, false, 0o660),
        ("o=g-w", 0o660, false, 0o664),
        ("u+s,g+s,o+t", 0o755, true, 0o7755),
        ("u-s", 0o4755, false, 0o755),
        ("=rx", 0o777, false, 0o555),
        ("ug=rw,o=r", 0o777, false, 0o664),
        ("u=rw+x", 0o000, false, 0o700),
        ("o=", 0o1777, true, 0o770),
    ];

    #[test]
    fn symbolic_modes_are_as_ansibles() {
        for (text, before, directory, after) in ANSWERS {
            let mode = Mode::read(&Value::str(*text)).expect(text);
            assert_eq!(mode.bits(*before, *directory, 0o022), *after, "{text} on {before:o}");
        }
    }

    #[test]
    fn numbers_are_what_yaml_made_of_them() {
        assert_eq!(Mode::read(&Value::Int(0o644)), Ok(Mode::Bits(0o644)));
        assert_eq!(Mode::read(&Value::Int(644)), Ok(Mode::Bits(0o1204)));
        assert_eq!(Mode::read(&Value::str("644")), Ok(Mode::Bits(0o644)));
        assert_eq!(Mode::read(&Value::str("0o2755")), Ok(Mode::Bits(0o2755)));
        for bad in ["rwx", "u~x", "z=r", "99", "100000", "ua=r"] {
            assert!(Mode::read(&Value::str(bad)).is_err(), "{bad}");
        }
    }
}
