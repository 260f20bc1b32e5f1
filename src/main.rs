//! The binary: calls the library, returns its exit code.

fn main() -> std::process::ExitCode {
    muster::cli::main(std::env::args_os())
}
