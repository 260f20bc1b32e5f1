//! Brings untrusted things in: git over SSH and HTTPS.
