//! `random` and `shuffle`: with a seed, the numbers that Python's generator gives for it, so that a role that picks a
//! minute by its host's name picks the same one.

use super::Filter;
use super::lists::items;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;
use aws_lc_rs::digest;

type Outcome = Result<Value, String>;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("random", &["start", "step", "seed"], random),
    Filter::values("shuffle", &["seed"], |v, args| {
        // What is no list stays as it is.
        let Ok(mut list) = items(v) else { return Ok(v.clone()) };
        let mut source = Source::new(args.get(0).filter(|seed| python::truth(seed)));
        for at in (1..list.len()).rev() {
            let with = source.below(at as u64 + 1);
            list.swap(at, usize::try_from(with).unwrap_or(at));
        }
        Ok(Value::list(list))
    }),
];

fn random(value: &Value, args: &Args) -> Outcome {
    let mut source = Source::new(args.get(2).filter(|seed| !matches!(seed, Value::Null)));
    if let Value::Int(end) = value {
        let start = args.int(0)?.unwrap_or(0);
        let step = args.int(1)?.filter(|step| *step != 0).unwrap_or(1);
        let width = end.saturating_sub(start);
        let count = if step > 0 { (width + step - 1) / step } else { (width + step + 1) / step };
        let count = u64::try_from(count).ok().filter(|count| *count > 0).ok_or("empty range for randrange()")?;
        let pick = i64::try_from(source.below(count)).unwrap_or(0);
        return Ok(Value::Int(start + step * pick));
    }
    if args.int(0)?.is_some() || args.int(1)?.is_some() {
        return Err("start and step can only be used with integer values".into());
    }
    let list = items(value).map_err(|_| "random can only be used on sequences and integers")?;
    if list.is_empty() {
        return Err("Cannot choose from an empty sequence".into());
    }
    let at = usize::try_from(source.below(list.len() as u64)).unwrap_or(0);
    Ok(list[at].clone())
}

/// Where numbers come from.
pub(in crate::roles::template) enum Source {
    /// Python's generator with a seed.
    Seeded(Box<Twister>),
    /// The machine's.
    Free,
}

impl Source {
    pub(in crate::roles::template) fn new(seed: Option<&Value>) -> Self {
        let Some(seed) = seed else { return Self::Free };
        let bytes = match seed {
            Value::Int(int) => int.unsigned_abs().to_be_bytes().to_vec(),
            // `random.seed(str)`: the text, then its SHA-512, as one large number.
            other => {
                let text = python::text(other);
                let mut bytes = text.clone().into_bytes();
                bytes.extend_from_slice(digest::digest(&digest::SHA512, text.as_bytes()).as_ref());
                bytes
            }
        };
        Self::Seeded(Box::new(Twister::new(&bytes)))
    }

    /// A number below another, each as likely.
    pub(in crate::roles::template) fn below(&mut self, limit: u64) -> u64 {
        match self {
            Self::Free => fastrand::u64(..limit.max(1)),
            Self::Seeded(twister) => {
                let bits = 64 - limit.leading_zeros();
                loop {
                    let number = twister.bits(bits);
                    if number < limit || limit == 0 {
                        return number;
                    }
                }
            }
        }
    }
}

const SIZE: usize = 624;

/// MT19937, seeded as CPython seeds it (`Modules/_randommodule.c`).
pub(in crate::roles::template) struct Twister {
    state: [u32; SIZE],
    at: usize,
}

impl Twister {
    fn new(number: &[u8]) -> Self {
        let mut key: Vec<u32> =
            number.rchunks(4).map(|word| word.iter().fold(0, |all, byte| (all << 8) | u32::from(*byte))).collect();
        while key.len() > 1 && key.last() == Some(&0) {
            key.pop();
        }
        let mut state = [0u32; SIZE];
        state[0] = 19_650_218;
        for at in 1..SIZE {
            let before = state[at - 1];
            state[at] =
                1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(u32::try_from(at).unwrap_or(0));
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..SIZE.max(key.len()) {
            let before = state[i - 1];
            state[i] = (state[i] ^ (before ^ (before >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(u32::try_from(j).unwrap_or(0));
            i += 1;
            j = (j + 1) % key.len();
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        for _ in 0..SIZE - 1 {
            let before = state[i - 1];
            state[i] = (state[i] ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941))
                .wrapping_sub(u32::try_from(i).unwrap_or(0));
            i += 1;
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Self { state, at: SIZE }
    }

    fn word(&mut self) -> u32 {
        if self.at >= SIZE {
            for at in 0..SIZE {
                let y = (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % SIZE] & 0x7fff_ffff);
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[at] = self.state[(at + 397) % SIZE] ^ (y >> 1) ^ odd;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn bits(&mut self, count: u32) -> u64 {
        match count {
            0 => 0,
            1..=32 => u64::from(self.word() >> (32 - count)),
            more => {
                let low = u64::from(self.word());
                low | (u64::from(self.word() >> (64 - more)) << 32)
            }
        }
    }
}
