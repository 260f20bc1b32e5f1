//! The text of an encrypted value: a header, then hexadecimal in lines of 80.

/// The first words of every such text.
pub(in crate::roles) const MARK: &str = "$ANSIBLE_VAULT;";
const WIDTH: usize = 80;

/// A text taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    /// The label of the key that it was made with; format 1.1 has none.
    pub(super) label: Option<String>,
    pub(super) salt: Vec<u8>,
    pub(super) mac: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Envelope {
    /// Reads formats 1.1 and 1.2.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.trim().lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().trim().split(';').collect();
        let label = match header.as_slice() {
            ["$ANSIBLE_VAULT", "1.1", "AES256", ..] => None,
            ["$ANSIBLE_VAULT", "1.2", "AES256", label, ..] => Some((*label).to_owned()),
            ["$ANSIBLE_VAULT", version, "AES256", ..] => {
                return Err(format!("it has format {version}, and 1.1 and 1.2 are read"));
            }
            ["$ANSIBLE_VAULT", _, cipher, ..] => return Err(format!("it has cipher {cipher}, and AES256 is read")),
            _ => return Err("it has no vault header".into()),
        };
        let digits: String = lines.map(str::trim).collect();
        let broken = || "its hexadecimal is damaged".to_owned();
        let inner = hex::decode(digits).map_err(|_| broken())?;
        let mut parts = inner.splitn(3, |byte| *byte == b'\n').map(|part| hex::decode(part).map_err(|_| broken()));
        let mut next = || parts.next().unwrap_or_else(|| Err(broken()));
        Ok(Self { label, salt: next()?, mac: next()?, body: next()? })
    }

    /// As a text that `ansible-vault` reads.
    pub(super) fn text(&self) -> String {
        let mut out = match self.label.as_deref() {
            None | Some("default") => format!("{MARK}1.1;AES256\n"),
            Some(label) => format!("{MARK}1.2;AES256;{label}\n"),
        };
        let inner = [&self.salt, &self.mac, &self.body].map(hex::encode).join("\n");
        for line in hex::encode(inner).as_bytes().chunks(WIDTH) {
            out.extend(line.iter().map(|byte| char::from(*byte)));
            out.push('\n');
        }
        out
    }
}
