//! Any template is parsed and executed or refused, within steps, depth and output.
#![no_main]

use gotemplate::{Entries, Environment, Limits, Templates, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let environment = Environment { now: Box::new(|| 0), random: Box::new(|bytes| bytes.fill(7)), resolve: None };
    let limits = Limits { depth: 50, steps: 20_000, output: 1 << 20 };
    let mut templates = Templates::new("gotpl", helm::engine::functions(), environment).limits(limits);
    if templates.parse("t", text).is_ok() {
        let _ = templates.execute("t", Value::map(Entries::from([("Values".into(), Value::map(Entries::new()))])));
    }
});
