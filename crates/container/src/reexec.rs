//! Our own binary under other names: as a pod's shim and as the OCI runtime. Both have to be processes of their own, with
//! one thread; so `main` asks here before it does anything else.

use std::process::ExitCode;

/// The name that the shim has in a process list.
pub(crate) const SHIM: &str = "hakata-shim";
/// The name that the OCI runtime has in a process list.
pub(crate) const RUNTIME: &str = "hakata-runtime";
/// The name of the process that holds a pod's shared process namespace.
pub(crate) const PAUSE: &str = "hakata-pause";

/// Becomes a shim or an OCI runtime, if the process was started as one, and then does not return.
/// Call it first of all in `main`, before any thread exists.
pub fn main_if_asked() {
    let mut arguments = std::env::args_os();
    let code = match arguments.next().as_deref().and_then(|name| name.to_str()) {
        Some(SHIM) => crate::shim::main(arguments),
        Some(RUNTIME) => crate::oci::main(arguments),
        Some(PAUSE) => crate::shim::pause::main(arguments),
        _ => return,
    };
    exit(code)
}

fn exit(code: ExitCode) -> ! {
    // ExitCode has no number to take out; all of ours are 0 or 1.
    std::process::exit(i32::from(code != ExitCode::SUCCESS))
}

/// Lets a test program be its own shim and runtime: `container::reexec_in_tests!();` at the top of a file of tests, and
/// `std::env::current_exe()` as [`crate::Config::executable`]. (The harness of tests has a `main` of its own, so this runs
/// before that.)
#[macro_export]
macro_rules! reexec_in_tests {
    () => {
        #[expect(unsafe_code, reason = "a section of the linker's is the only way to run before the harness of tests")]
        mod reexec_before_main {
            // WHY UNSAFE: only a function in .init_array runs before the harness.
            // SAFETY: the section holds functions of just this type, and the C library is set up when it calls them.
            #[used]
            #[unsafe(link_section = ".init_array")]
            static ASK: extern "C" fn() = ask;

            extern "C" fn ask() {
                $crate::reexec::main_if_asked();
            }
        }
    };
}
