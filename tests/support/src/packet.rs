//! Packet lines: git's framing (gitprotocol-common(5), pkt-line format).

use tokio::io::{AsyncRead, AsyncReadExt};

/// One line of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// Text, without its line's end.
    Line(String),
    /// The end of a section.
    Flush,
    /// The end of the connection.
    End,
}

/// The longest payload of a packet.
pub(crate) const LONGEST: usize = 65516;

/// Writes a payload behind its length.
pub(crate) fn line(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend(format!("{:04x}", payload.len() + 4).bytes());
    out.extend(payload);
}

/// Writes the end of a section.
pub(crate) fn flush(out: &mut Vec<u8>) {
    out.extend(b"0000");
}

/// Reads one packet.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Packet> {
    let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(Packet::End),
        Err(error) => return Err(error),
    }
    let text = std::str::from_utf8(&length).map_err(|_| invalid())?;
    let length = usize::from_str_radix(text, 16).map_err(|_| invalid())?;
    if length == 0 {
        return Ok(Packet::Flush);
    }
    let mut payload = vec![0; length.checked_sub(4).filter(|length| *length <= LONGEST).ok_or_else(invalid)?];
    from.read_exact(&mut payload).await?;
    let text = String::from_utf8(payload).map_err(|_| invalid())?;
    Ok(Packet::Line(text.trim_end_matches('\n').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_read_back() {
        let mut bytes = Vec::new();
        line(&mut bytes, b"want x\n");
        flush(&mut bytes);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut from = bytes.as_slice();
            let read = [read(&mut from).await, read(&mut from).await, read(&mut from).await];
            let packets: Vec<Packet> = read.into_iter().flatten().collect();
            assert_eq!(packets, [Packet::Line("want x".to_owned()), Packet::Flush, Packet::End]);
            assert!(super::read(&mut &b"zzzz"[..]).await.is_err());
        });
    }
}
