//! Any text is read or refused, and what was read is the same after writing and reading again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = yaml::to_json_strict(text);
    let _ = yaml::to_json_lenient(text);
    let _ = yaml::documents(text);
    if let Ok(value) = yaml::to_json(text) {
        let written = yaml::from_json(&value);
        assert_eq!(yaml::to_json(&written).as_ref(), Ok(&value), "written as:\n{written}");
    }
});
