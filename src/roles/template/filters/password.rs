//! `password_hash`: the hashes of `crypt(3)`, as passlib writes them for Ansible.

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;
use base64::Engine;
use md5::{Digest, Md5};

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] =
    &[Filter::values("password_hash", &["hashtype", "salt", "salt_size", "rounds", "ident"], password_hash)];

/// The digits of `crypt(3)`.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A password's hash with a salt that is kept, as the lookup `password` gives it.
pub(in crate::roles::template) fn hashed(
    password: &str,
    kind: &str,
    salt: Option<&str>,
    ident: Option<&str>,
) -> Result<String, String> {
    let text = |text: Option<&str>| text.map(Value::str);
    let given = vec![Some(Value::str(kind)), text(salt), None, None, text(ident)];
    password_hash(&Value::str(password), &Args::of(given)).map(|hash| python::text(&hash))
}

fn password_hash(value: &Value, args: &Args) -> Outcome {
    value.as_str().ok_or_else(|| format!("secret must be unicode or bytes, not {}", value.type_name()))?;
    let password = python::text(value);
    let kind = args.text_or(0, "sha512");
    let given = args.text(1).filter(|salt| !salt.is_empty());
    let size = args.int(2).map_err(|_| "salt_size must be an integer")?.and_then(|size| usize::try_from(size).ok());
    let rounds = args.int(3)?.filter(|rounds| *rounds != 0);
    let bounds = match kind.as_str() {
        "blowfish" | "bcrypt" => 4..=31,
        _ => 1_000..=999_999_999,
    };
    let within = |n: i64| u32::try_from(n).ok().filter(|n| bounds.contains(n));
    let rounds = rounds.map(|n| within(n).ok_or("Could not hash the secret.")).transpose()?;
    let salted = |longest: usize| -> Result<String, String> {
        let salt = match &given {
            Some(salt) => salt.clone(),
            None => random(size.unwrap_or(longest).min(longest))?,
        };
        let good = salt.len() <= longest && salt.bytes().all(|b| DIGITS.contains(&b));
        if good {
            Ok(salt)
        } else {
            Err("Could not hash the secret: the salt is too long or has other characters".into())
        }
    };
    let hash = match kind.as_str() {
        "sha512" | "sha512_crypt" => sha(&password, &salted(16)?, rounds.unwrap_or(656_000), true)?,
        "sha256" | "sha256_crypt" => sha(&password, &salted(16)?, rounds.unwrap_or(535_000), false)?,
        "md5" | "md5_crypt" => md5_crypt(&password, &salted(8)?),
        "blowfish" | "bcrypt" => {
            let salt = match given {
                Some(salt) => salt,
                None => format!("{}.", random(21)?),
            };
            bcrypt(&password, &salt, rounds.unwrap_or(12), &args.text_or(4, "2b"))?
        }
        other => {
            let all = "md5, blowfish, sha256, sha512";
            return Err(format!("{other} is not in the list of supported passlib algorithms: {all}"));
        }
    };
    // A hash can be tried against guesses: it is no text for logs where its password is none.
    Ok(Value::str(hash))
}

/// Random digits.
fn random(length: usize) -> Result<String, String> {
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no random bytes are to be had".to_owned())?;
    Ok(bytes.iter().map(|byte| char::from(DIGITS[usize::from(byte & 63)])).collect())
}

/// Three bytes as four digits, the lowest first.
fn digits(out: &mut String, [high, middle, low]: [u8; 3], count: usize) {
    let mut number = u32::from(high) << 16 | u32::from(middle) << 8 | u32::from(low);
    for _ in 0..count {
        out.push(char::from(DIGITS[(number & 63) as usize]));
        number >>= 6;
    }
}

/// SHA-crypt (Drepper's specification): 512 or 256 bits.
fn sha(password: &str, salt: &str, rounds: u32, long: bool) -> Result<String, String> {
    let rounds = rounds.clamp(sha_crypt::Params::ROUNDS_MIN, sha_crypt::Params::ROUNDS_MAX);
    let params = sha_crypt::Params::new(rounds).map_err(|_| "Could not hash the secret.".to_owned())?;
    let (password, salt_bytes) = (password.as_bytes(), salt.as_bytes());
    let shown = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
    let mut out = format!("${}${shown}{salt}$", if long { 6 } else { 5 });
    if long {
        let sum = sha_crypt::sha512_crypt(password, salt_bytes, params);
        let (mut a, mut b, mut c) = (0, 21, 42);
        for _ in 0..21 {
            digits(&mut out, [sum[a], sum[b], sum[c]], 4);
            (a, b, c) = (b + 1, c + 1, a + 1);
        }
        digits(&mut out, [0, 0, sum[63]], 2);
    } else {
        let sum = sha_crypt::sha256_crypt(password, salt_bytes, params);
        let (mut a, mut b, mut c) = (0, 10, 20);
        for _ in 0..10 {
            digits(&mut out, [sum[a], sum[b], sum[c]], 4);
            (a, b, c) = (c + 1, a + 1, b + 1);
        }
        digits(&mut out, [0, sum[31], sum[30]], 3);
    }
    Ok(out)
}

/// MD5-crypt (Kamp's, in FreeBSD's `crypt-md5.c`).
fn md5_crypt(password: &str, salt: &str) -> String {
    let (password, salt_bytes) = (password.as_bytes(), salt.as_bytes());
    let inner = Md5::new().chain_update(password).chain_update(salt_bytes).chain_update(password).finalize();
    let mut first = Md5::new().chain_update(password).chain_update(b"$1$").chain_update(salt_bytes);
    for at in 0..password.len() {
        first.update([inner[at % 16]]);
    }
    let mut length = password.len();
    while length > 0 {
        first.update(if length & 1 == 1 { [0] } else { [password[0]] });
        length >>= 1;
    }
    let mut sum = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        let odd = round & 1 == 1;
        next.update(if odd { password } else { &sum[..] });
        if round % 3 != 0 {
            next.update(salt_bytes);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if odd { &sum[..] } else { password });
        sum = next.finalize();
    }
    let mut out = format!("$1${salt}$");
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        digits(&mut out, [sum[a], sum[b], sum[c]], 4);
    }
    digits(&mut out, [0, 0, sum[11]], 2);
    out
}

fn bcrypt(password: &str, salt: &str, cost: u32, ident: &str) -> Result<String, String> {
    use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
    let wrong = || "Could not hash the secret: a bcrypt salt has 22 characters, a cost 4 to 31".to_owned();
    // The last digit of a salt carries two bits; the others are cut, as passlib does.
    let lax = GeneralPurposeConfig::new().with_encode_padding(false).with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(
        &base64::alphabet::BCRYPT,
        lax.with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
    );
    let bytes: [u8; 16] = engine.decode(salt).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
    let parts = ::bcrypt::hash_with_salt(password, cost, bytes).map_err(|_| wrong())?;
    let version = match ident {
        "2a" => ::bcrypt::Version::TwoA,
        "2b" => ::bcrypt::Version::TwoB,
        "2y" => ::bcrypt::Version::TwoY,
        _ => return Err(wrong()),
    };
    Ok(parts.format_for_version(version))
}
