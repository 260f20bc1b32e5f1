//! `Untrusted` and `Verified`: what may be believed, as types.

/// Bytes or a value from outside. Nothing but `trust` can open it.
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Takes in something from outside; anyone may.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens it, to judge it: only this room.
    pub(in crate::trust) fn judge(self) -> T {
        self.0
    }

    /// Looks at it, to judge it: only this room.
    pub(in crate::trust) fn inspect(&self) -> &T {
        &self.0
    }
}

impl<T> std::fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Untrusted(..)")
    }
}

/// Something that passed. It owns bytes, ids of bytes, or an open descriptor, never a path: nothing can change between
/// judging and use. It can be made only by `trust`:
///
/// ```compile_fail
/// let forged = muster::trust::Verified("tree");
/// ```
///
/// ```compile_fail
/// let forged: muster::trust::Verified<String> = muster::trust::Verified::seal(String::new());
/// ```
///
/// and what is untrusted has no way out:
///
/// ```compile_fail
/// let bytes: Vec<u8> = muster::trust::Untrusted::new(vec![1u8]).judge();
/// ```
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Says that it passed: only this room.
    pub(in crate::trust) fn seal(value: T) -> Self {
        Self(value)
    }

    /// What passed.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What passed, whole.
    pub fn into_inner(self) -> T {
        self.0
    }
}
