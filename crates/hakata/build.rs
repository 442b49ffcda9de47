//! Links the binary at a fixed address: then its pages need no relocation, and processes that run it (the server, one shim
//! for each pod, each OCI runtime) share them. A shim takes a third of the memory, and starting a process less time.
//! It costs the random placing of the program itself; libraries, stack and heap keep theirs.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
