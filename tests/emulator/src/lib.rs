//! A strict emulated AWS on loopback.
