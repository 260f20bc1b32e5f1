//! Access control lists: whom a file's own list gives rights beside its owner, its group and everybody.
//!
//! The kernel hands the list over as `system.posix_acl_access`: a version, then tag, rights and number of each entry in the
//! little order of bytes; what the mask does not have an entry does not give (acl(5), linux/posix_acl_xattr.h).

use super::labels::{by_number, place};
use super::root::Root;
use crate::host::observe::Granted;
use rustix::io::Errno;
use std::io;
use std::path::Path;

const ATTRIBUTE: &str = "system.posix_acl_access";
const VERSION: u32 = 2;
const USER: u16 = 0x02;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;

/// What the list of a file gives to users and groups that it names; links are followed.
pub fn granted(root: &Root, path: &Path) -> io::Result<Vec<Granted>> {
    let mut value = vec![0_u8; 4096];
    match rustix::fs::getxattr(by_number(&place(root, path, true)?), ATTRIBUTE, &mut value[..]) {
        Ok(size) => parse(&value[..size]),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn parse(list: &[u8]) -> io::Result<Vec<Granted>> {
    let unknown = || io::Error::other("has an access control list of a form that is not known");
    let (version, entries) = list.split_first_chunk::<4>().ok_or_else(unknown)?;
    if u32::from_le_bytes(*version) != VERSION || entries.len() % 8 != 0 {
        return Err(unknown());
    }
    let entry = |bytes: &[u8]| {
        let tag = u16::from_le_bytes([bytes[0], bytes[1]]);
        let rights = u32::from(u16::from_le_bytes([bytes[2], bytes[3]]));
        (tag, rights, u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]))
    };
    let entries: Vec<(u16, u32, u32)> = entries.chunks_exact(8).map(entry).collect();
    let mask = entries.iter().find(|(tag, ..)| *tag == MASK).map_or(7, |(_, rights, _)| *rights);
    let named = entries.into_iter().filter(|(tag, ..)| matches!(*tag, USER | GROUP));
    Ok(named.map(|(tag, rights, id)| Granted { user: tag == USER, id, rights: rights & mask }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_mask_lacks_is_not_given() {
        let entry = |tag: u16, rights: u16, id: u32| {
            [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let none = u32::MAX;
        let list = [
            VERSION.to_le_bytes().to_vec(),
            entry(0x01, 6, none),
            entry(USER, 6, 1000),
            entry(0x04, 4, none),
            entry(GROUP, 4, 50),
            entry(MASK, 4, none),
            entry(0x20, 0, none),
        ];
        let given = parse(&list.concat()).expect("a list");
        let want = [Granted { user: true, id: 1000, rights: 4 }, Granted { user: false, id: 50, rights: 4 }];
        assert_eq!(given, want);
        assert!(parse(&[3, 0, 0, 0]).is_err() && parse(&[2, 0]).is_err());
    }
}
