//! Modules about files, and what they share.

pub mod acl;
mod archive;
pub mod assemble;
pub mod blockinfile;
pub mod capabilities;
pub mod chattr;
pub mod copy;
mod download;
pub mod draft;
pub mod edit;
mod encoding;
pub mod fetch;
pub mod file;
pub mod find;
pub mod get_url;
pub mod ini_file;
mod label;
pub mod lineinfile;
mod links;
pub mod mode;
mod placement;
mod remote;
pub mod replace;
pub mod s3_object;
pub mod slurp;
pub mod stat;
pub mod tempfile;
pub mod template;
mod times;
pub mod unarchive;
mod unpack;
pub mod uri;
pub mod wanted;
mod zip;

#[cfg(test)]
mod oracle;
#[cfg(test)]
pub mod stage;
