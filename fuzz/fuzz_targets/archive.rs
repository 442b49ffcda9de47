//! Any archive is read or refused, and no file of it is outside of its folder.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(files) = helm::chart::files_of_archive(data) {
        for file in files {
            assert!(!file.name.starts_with('/') && file.name.split('/').all(|part| part != ".."), "{}", file.name);
        }
    }
    let _ = helm::chart::read_archive(data);
});
