//! Selectors and quantities: any text is read or refused, and what was read means the same when it is written and read
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use object::quantity::Quantity;
use object::selector::{fields, labels};

fuzz_target!(|text: &str| {
    if let Ok(selector) = fields::Selector::parse(text) {
        let _ = selector.matches(|field| field.to_owned().into());
    }
    if let Ok(selector) = labels::Selector::parse(text) {
        let written = selector.to_string();
        assert_eq!(labels::Selector::parse(&written).map(|again| again.to_string()), Ok(written));
    }
    if let Ok(quantity) = Quantity::parse(text) {
        let written = quantity.to_string();
        assert_eq!(Quantity::parse(&written).map(|again| again.to_string()), Ok(written));
    }
});
