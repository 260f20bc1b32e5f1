//! Whether the kernel says that its clock is synchronised: chrony, timesyncd and ntpd all tell it.
#![expect(
    unsafe_code,
    reason = "adjtimex has no safe wrapper. With `modes` zero it only reads, into a structure that is ours"
)]

use nix::libc;

/// Whether somebody keeps the clock right; `None` where the kernel does not say.
pub fn synchronised() -> Option<bool> {
    // SAFETY: a timex is plain numbers, for which zero is a value; the kernel writes no further than its size.
    let mut answer: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live timex; zero modes alter nothing.
    let state = unsafe { libc::adjtimex(&mut answer) };
    (state >= 0).then_some(state != libc::TIME_ERROR && answer.status & libc::STA_UNSYNC == 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_answers_the_same_twice() {
        assert_eq!(super::synchronised(), super::synchronised());
    }
}
