//! The serving side of a fetch, protocol version 0 (gitprotocol-pack(5)): refs, wants, shallow boundaries, haves, a pack.

use crate::Error;
use crate::packet::{self, Packet};
use git2::{ObjectType, Oid, Repository};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// What this server can do.
const CAPABILITIES: &str =
    "multi_ack side-band-64k ofs-delta shallow allow-tip-sha1-in-want no-progress agent=muster-support";

/// What a client asks for, before it says what it has.
#[derive(Debug, Default)]
struct Request {
    wants: Vec<Oid>,
    shallow: BTreeSet<Oid>,
    depth: Option<usize>,
    side_band: bool,
    multi_ack: bool,
}

/// Serves one fetch, from the refs to the pack.
pub(crate) async fn serve(
    path: &Path,
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Error> {
    let refs = advertisement(&Repository::open_bare(path)?)?;
    send(to, &refs).await?;
    let Some(request) = read_request(from).await? else { return Ok(()) };
    if request.depth.is_some() {
        let lines = boundary_lines(&Repository::open_bare(path)?, &request)?;
        send(to, &lines).await?;
    }
    let Some(common) = negotiate(path, request.multi_ack, from, to).await? else { return Ok(()) };
    let pack = pack(&Repository::open_bare(path)?, &request, &common)?;
    send(to, &framed(&pack, request.side_band)).await
}

async fn send(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Error> {
    to.write_all(bytes).await?;
    to.flush().await?;
    Ok(())
}

/// Hears what the client has, until it is done; nothing, if it went away.
async fn negotiate(
    path: &Path,
    multi_ack: bool,
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<Option<Vec<Oid>>, Error> {
    let mut common: Vec<Oid> = Vec::new();
    loop {
        let mut answer = Vec::new();
        let done = match packet::read(from).await? {
            Packet::End => return Ok(None),
            Packet::Flush => {
                if multi_ack || common.is_empty() {
                    packet::line(&mut answer, b"NAK\n");
                }
                false
            }
            Packet::Line(text) if text == "done" => {
                match common.last() {
                    Some(id) if multi_ack => packet::line(&mut answer, format!("ACK {id}\n").as_bytes()),
                    // Without the capability the one common commit was acknowledged already.
                    Some(_) => {}
                    None => packet::line(&mut answer, b"NAK\n"),
                }
                true
            }
            Packet::Line(text) => {
                let id = Oid::from_str(text.strip_prefix("have ").ok_or("expected a have")?)?;
                if Repository::open_bare(path)?.find_commit(id).is_ok() {
                    if multi_ack {
                        packet::line(&mut answer, format!("ACK {id} continue\n").as_bytes());
                    } else if common.is_empty() {
                        packet::line(&mut answer, format!("ACK {id}\n").as_bytes());
                    }
                    common.push(id);
                }
                false
            }
        };
        send(to, &answer).await?;
        if done {
            return Ok(Some(common));
        }
    }
}

/// Every ref and what annotated tags point to, HEAD first.
fn advertisement(repository: &Repository) -> Result<Vec<u8>, Error> {
    let mut refs: BTreeMap<String, Oid> = BTreeMap::new();
    for reference in repository.references()? {
        let reference = reference?;
        let Some(id) = reference.target() else { continue };
        let name = reference.name()?.to_owned();
        if let Ok(tag) = repository.find_tag(id) {
            refs.insert(format!("{name}^{{}}"), tag.target_id());
        }
        refs.insert(name, id);
    }
    let head = repository.find_reference("HEAD")?;
    let branch = head.symbolic_target()?.unwrap_or_default().to_owned();
    let mut lines: Vec<(String, Oid)> = Vec::new();
    let mut capabilities = CAPABILITIES.to_owned();
    if let Some(id) = refs.get(&branch) {
        capabilities = format!("{capabilities} symref=HEAD:{branch}");
        lines.push(("HEAD".to_owned(), *id));
    }
    lines.extend(refs);
    if lines.is_empty() {
        lines.push(("capabilities^{}".to_owned(), Oid::ZERO_SHA1));
    }
    let mut out = Vec::new();
    for (index, (name, id)) in lines.iter().enumerate() {
        let tail = if index == 0 { format!("\0{capabilities}") } else { String::new() };
        packet::line(&mut out, format!("{id} {name}{tail}\n").as_bytes());
    }
    packet::flush(&mut out);
    Ok(out)
}

/// The wants and what goes with them; nothing, if the client only looked.
async fn read_request(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Request>, Error> {
    let mut request = Request::default();
    loop {
        let line = match packet::read(from).await? {
            Packet::End => return Ok(None),
            Packet::Flush => break,
            Packet::Line(line) => line,
        };
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("want"), Some(id)) => {
                request.wants.push(Oid::from_str(id)?);
                let capabilities: Vec<&str> = words.collect();
                request.side_band |= capabilities.contains(&"side-band-64k");
                request.multi_ack |= capabilities.contains(&"multi_ack");
            }
            (Some("shallow"), Some(id)) => drop(request.shallow.insert(Oid::from_str(id)?)),
            (Some("deepen"), Some(depth)) => request.depth = Some(depth.parse()?).filter(|depth| *depth > 0),
            _ => return Err(format!("a fetch that this server does not know: {line}").into()),
        }
    }
    Ok((!request.wants.is_empty()).then_some(request))
}

/// The commits within the depth, and those among them whose parents are left out.
fn within(repository: &Repository, request: &Request) -> Result<(BTreeSet<Oid>, BTreeSet<Oid>), Error> {
    let (mut inside, mut edge) = (BTreeSet::new(), BTreeSet::new());
    let mut row: BTreeSet<Oid> = BTreeSet::new();
    for want in &request.wants {
        row.insert(repository.find_object(*want, None)?.peel_to_commit()?.id());
    }
    let depth = request.depth.unwrap_or(usize::MAX);
    for step in 1..=depth {
        let mut next = BTreeSet::new();
        for id in row {
            let commit = repository.find_commit(id)?;
            if step == depth && commit.parent_count() > 0 {
                edge.insert(id);
            }
            inside.insert(id);
            next.extend(commit.parent_ids().filter(|parent| !inside.contains(parent)));
        }
        if next.is_empty() {
            break;
        }
        row = next;
    }
    Ok((inside, edge))
}

/// Where the client's history will end, and where it no longer ends.
fn boundary_lines(repository: &Repository, request: &Request) -> Result<Vec<u8>, Error> {
    let (inside, edge) = within(repository, request)?;
    let mut out = Vec::new();
    for id in edge.difference(&request.shallow) {
        packet::line(&mut out, format!("shallow {id}").as_bytes());
    }
    for id in request.shallow.iter().filter(|id| inside.contains(id) && !edge.contains(id)) {
        packet::line(&mut out, format!("unshallow {id}").as_bytes());
    }
    packet::flush(&mut out);
    Ok(out)
}

/// The objects that the client wants and does not have.
fn pack(repository: &Repository, request: &Request, common: &[Oid]) -> Result<Vec<u8>, Error> {
    let mut builder = repository.packbuilder()?;
    for want in &request.wants {
        if repository.find_object(*want, None)?.kind() == Some(ObjectType::Tag) {
            builder.insert_object(*want, None)?;
        }
    }
    if request.depth.is_some() {
        for id in within(repository, request)?.0 {
            builder.insert_commit(id)?;
        }
    } else {
        let mut walk = repository.revwalk()?;
        for want in &request.wants {
            walk.push(repository.find_object(*want, None)?.peel_to_commit()?.id())?;
        }
        for id in common {
            walk.hide(*id)?;
        }
        builder.insert_walk(&mut walk)?;
    }
    let mut pack = git2::Buf::new();
    builder.write_buf(&mut pack)?;
    Ok(pack.to_vec())
}

/// The pack as it goes over the wire: in one piece, or on the first band.
fn framed(pack: &[u8], side_band: bool) -> Vec<u8> {
    if !side_band {
        return pack.to_vec();
    }
    let mut out = Vec::with_capacity(pack.len() + 1024);
    for chunk in pack.chunks(packet::LONGEST - 1) {
        packet::line(&mut out, &[&[1], chunk].concat());
    }
    packet::flush(&mut out);
    out
}

#[cfg(test)]
#[path = "upload_pack_tests.rs"]
mod tests;
