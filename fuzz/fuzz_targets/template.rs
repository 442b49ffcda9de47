//! Any template is parsed and executed or refused, within steps, depth and output.
#![no_main]

use std::cell::Cell;

use gotemplate::{Entries, Environment, Limits, Templates, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut functions = helm::engine::functions();
    gotemplate::sprig::SLOW.iter().for_each(|name| functions.remove(name));
    // Dice that fall the same way every time, and not always on the same side.
    let seed = Cell::new(1_u32);
    let random = move |bytes: &mut [u8]| {
        for byte in bytes {
            seed.set(seed.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
            *byte = seed.get().to_be_bytes()[0];
        }
    };
    let environment = Environment { now: Box::new(|| 0), random: Box::new(random), resolve: None };
    let limits = Limits { depth: 50, steps: 20_000, output: 1 << 20 };
    let mut templates = Templates::new("gotpl", functions, environment).limits(limits);
    if templates.parse("t", text).is_ok() {
        let _ = templates.execute("t", Value::map(Entries::from([("Values".into(), Value::map(Entries::new()))])));
    }
});
